
// While a headline is typed, what it would be is shown below it.
(() => {
  const policy = window.trustedTypes?.createPolicy("draft", { createHTML: (html) => html });
  const PAUSE = 250; // ms without a letter after which it is asked for
  let waiting = 0;
  let asked = null;

  async function show(form) {
    asked?.abort();
    asked = new AbortController();
    const { signal } = asked;
    const address = form.getAttribute("action").replace(/headline$/, "draft");
    try {
      const answer = await fetch(address, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        headers: { "X-Part": "row" },
        signal,
      });
      if (!answer.ok || answer.redirected) return;
      const html = await answer.text();
      form.querySelector(".draft").innerHTML = policy ? policy.createHTML(html) : html;
    } catch {
      // typed on meanwhile, or no network: what is shown stays until the next letter
    }
  }

  function later(event) {
    const form = event.target.closest?.("form.headline");
    if (!form?.querySelector(".draft") || event.target.name !== "text") return;
    clearTimeout(waiting);
    waiting = setTimeout(show, event.type === "input" ? PAUSE : 0, form);
  }

  document.addEventListener("input", later);
  document.addEventListener("focusin", later);
})();
