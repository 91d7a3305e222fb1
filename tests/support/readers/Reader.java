import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.util.zip.GZIPInputStream;

/** Prints a stream as it comes. */
class Reader {
    public static void main(String[] arguments) throws Exception {
        HttpURLConnection connection = (HttpURLConnection) new URL(arguments[0]).openConnection();
        connection.setRequestProperty("Accept-Encoding", "gzip");
        if (!"gzip".equals(connection.getContentEncoding())) {
            throw new IllegalStateException("the answer was not compressed");
        }
        InputStream text = new GZIPInputStream(connection.getInputStream());
        byte[] buffer = new byte[65536];
        for (int length; (length = text.read(buffer)) >= 0; System.out.flush()) {
            System.out.write(buffer, 0, length);
        }
    }
}
