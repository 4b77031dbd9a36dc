// Puts a button beside each feed's address that copies it. Where browsers let no page write to the
// clipboard (without TLS, say) there is none; a click selects the address all the same.

function offer(address) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${address.textContent}`);
  const said = document.createElement("span");
  said.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(address.textContent);
      said.textContent = "Copied";
    } catch {
      said.textContent = "Not allowed; copy it by hand";
    }
  });
  address.closest("div").querySelector("dt").append(said, button);
}

if (navigator.clipboard) document.querySelectorAll(".address").forEach(offer);
