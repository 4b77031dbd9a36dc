// Reads a feed from standard input with two readers of npm, and says what each found as JSON.
import { createRequire } from "node:module";
import { Readable } from "node:stream";

const load = createRequire(`${process.env.READERS}/`);
const document = await new Response(Readable.toWeb(process.stdin)).text();

const parser = new (load("rss-parser"))({ customFields: { item: [["media:content", "media", { keepArray: true }]] } });
const simple = (await parser.parseString(document)).items.map((item) => ({
  id: item.guid ?? item.id,
  title: item.title,
  link: item.link,
  content: item["content:encoded"] ?? item.content,
  authors: [item.creator, item.author],
  images: [item.enclosure?.url, ...(item.media ?? []).map((each) => each.$.url)],
}));

const streamed = [];
const stream = new (load("feedparser"))({ normalize: true });
stream.on("readable", () => {
  for (let item = stream.read(); item; item = stream.read())
    streamed.push({
      id: item.guid,
      title: item.title,
      link: item.link,
      content: item.description,
      authors: [item.author],
      images: [item.image?.url, ...item.enclosures.map((each) => each.url)],
    });
});
await new Promise((done, failed) => {
  stream.on("end", done).on("error", failed);
  Readable.from([document]).pipe(stream);
});
console.log(JSON.stringify({ "rss-parser": simple, feedparser: streamed }));
