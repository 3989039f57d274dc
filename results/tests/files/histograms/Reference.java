import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.Base64;
import org.HdrHistogram.Histogram;

/** Reads a histogram a line, in base64, and prints what HdrHistogram says of it: count, min, max, mean, seven percentiles. */
class Reference {
    public static void main(String[] arguments) throws Exception {
        double[] percentiles = {50, 75, 90, 95, 99, 99.9, 99.99};
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            ByteBuffer bytes = ByteBuffer.wrap(Base64.getDecoder().decode(line));
            Histogram histogram = Histogram.decodeFromCompressedByteBuffer(bytes, 0);
            long min = histogram.getTotalCount() == 0 ? 0 : histogram.getMinValue();
            StringBuilder out = new StringBuilder();
            out.append(histogram.getTotalCount()).append(' ').append(min).append(' ');
            out.append(histogram.getMaxValue()).append(' ').append(histogram.getMean());
            for (double percentile : percentiles) {
                out.append(' ').append(histogram.getValueAtPercentile(percentile));
            }
            System.out.println(out);
        }
    }
}
