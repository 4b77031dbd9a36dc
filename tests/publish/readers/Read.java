import com.rometools.rome.feed.synd.SyndContent;
import com.rometools.rome.feed.synd.SyndEnclosure;
import com.rometools.rome.feed.synd.SyndEntry;
import com.rometools.rome.feed.synd.SyndPerson;
import com.rometools.rome.io.SyndFeedInput;
import com.rometools.rome.io.XmlReader;

/** Reads a feed from standard input with Rome, and says what it found, a field a line in base64. */
public class Read {
    static void say(String name, String value) {
        byte[] bytes = (value == null ? "" : value).getBytes(java.nio.charset.StandardCharsets.UTF_8);
        System.out.println(name + " " + java.util.Base64.getEncoder().encodeToString(bytes));
    }

    public static void main(String[] args) throws Exception {
        for (SyndEntry entry : new SyndFeedInput().build(new XmlReader(System.in)).getEntries()) {
            say("id", entry.getUri());
            say("title", entry.getTitle());
            say("link", entry.getLink());
            for (SyndContent content : entry.getContents()) say("content", content.getValue());
            if (entry.getUpdatedDate() != null) say("updated", entry.getUpdatedDate().toInstant().toString());
            for (SyndPerson author : entry.getAuthors()) say("author", author.getName());
            say("author", entry.getAuthor());
            for (SyndEnclosure each : entry.getEnclosures()) say("image", each.getUrl());
        }
    }
}
