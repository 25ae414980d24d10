/*
 * Lives of rates as Apache Kafka's SimpleRate measures them, for src/metrics/simple-rate.test.ts. With kafka-clients 4.3.1 and
 * what it needs on the class path:
 *
 *     java -cp 'libs/*' Rates.java | gzip -9n > rates.jsonl.gz
 *
 * A line is one rate: its windows, then steps of [time, value that is recorded or -1, rate a second afterwards or -1].
 */
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.metrics.MetricConfig;
import org.apache.kafka.common.metrics.stats.SimpleRate;

public class Rates {
    public static void main(String[] args) {
        Random random = new Random(43);
        for (int life = 0; life < 60; life++) {
            int windows = life % 3 == 0 ? 11 : 1 + random.nextInt(5);
            int windowMs = life % 4 == 0 ? 1000 : 100 * (1 + random.nextInt(30));
            MetricConfig config = new MetricConfig().timeWindow(windowMs, TimeUnit.MILLISECONDS).samples(windows);
            SimpleRate rate = new SimpleRate();
            List<String> steps = new ArrayList<>();
            long now = random.nextInt(5000);
            for (int step = 0; step < 80; step++) {
                int kind = random.nextInt(20);
                now += kind == 0 ? windowMs * windows + random.nextInt(windowMs) : kind < 6 ? windowMs : random.nextInt(windowMs);
                int value = random.nextInt(3) == 0 ? -1 : random.nextInt(1_000_000);
                if (value >= 0) rate.record(config, value, now);
                boolean asked = value < 0 || random.nextInt(4) == 0;
                steps.add("[" + now + "," + value + "," + (asked ? rate.measure(config, now) : -1) + "]");
            }
            System.out.println("{\"windowMs\":" + windowMs + ",\"windows\":" + windows + ",\"steps\":[" + String.join(",", steps) + "]}");
        }
    }
}
