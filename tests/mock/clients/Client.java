// Java's HttpClient as it comes: its first request offers h2c.
import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;

public class Client {
    static final HttpClient client = HttpClient.newHttpClient();

    static String ask(String method, String url, BodyPublisher body, String key) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url))
            .header("authorization", "Bearer sk_live_test")
            .header("content-type", "application/json")
            .method(method, body);
        if (key != null) request.header("idempotency-key", key);
        return "" + client.send(request.build(), BodyHandlers.ofString()).statusCode();
    }

    public static void main(String[] arguments) throws Exception {
        String base = arguments[0];
        byte[] json = arguments[1].getBytes(StandardCharsets.UTF_8);
        BodyPublisher whole = BodyPublishers.ofByteArray(json);
        BodyPublisher chunked = BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(json));
        BodyPublisher none = BodyPublishers.noBody();
        System.out.println(String.join(" ",
            ask("POST", base + "/generate", whole, "once"),
            ask("POST", base + "/generate", whole, "once"),
            ask("POST", base + "/generate", chunked, null),
            ask("GET", base + "/generations?limit=1", none, null),
            ask("GET", base + "/nothing", none, null),
            ask("HEAD", base + "/generations", none, null)));
    }
}
