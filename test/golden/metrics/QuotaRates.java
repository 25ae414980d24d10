/*
 * Lives of bounded rates and token buckets as Apache Kafka measures them, and how long it makes their clients wait, for
 * src/metrics/quota-rate.test.ts. With kafka-clients, kafka-server-common 4.3.1 and what they need on the class path:
 *
 *     java -cp 'libs/*' QuotaRates.java | gzip -9n > quota-rates.jsonl.gz
 *
 * A line is one life: its windows, its bound, then steps of [time, value that is recorded or 0, rate a second (tokens of a bucket), wait in ms].
 */
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.metrics.KafkaMetric;
import org.apache.kafka.common.metrics.MetricConfig;
import org.apache.kafka.common.metrics.Metrics;
import org.apache.kafka.common.metrics.Quota;
import org.apache.kafka.common.metrics.QuotaViolationException;
import org.apache.kafka.common.metrics.Sensor;
import org.apache.kafka.common.metrics.stats.Rate;
import org.apache.kafka.common.metrics.stats.TokenBucket;
import org.apache.kafka.server.quota.QuotaUtils;

public class QuotaRates {
    public static void main(String[] args) {
        Random random = new Random(44);
        for (int life = 0; life < 80; life++) {
            boolean isBucket = life >= 50;
            int windows = life % 3 == 0 ? 11 : 1 + random.nextInt(5);
            int windowSeconds = life % 4 == 0 ? 1 : 1 + random.nextInt(5);
            double bound = 1 + random.nextInt(100_000) / 10.0;
            MetricConfig config = new MetricConfig().timeWindow(windowSeconds, TimeUnit.SECONDS).samples(windows).quota(new Quota(bound, true));
            long now = 1_000_000 + random.nextInt(5000);
            Metrics metrics = new Metrics();
            Sensor sensor = metrics.sensor("life");
            sensor.add(metrics.metricName("rate", "g", "", Map.of()), isBucket ? new TokenBucket() : new Rate(), config);
            KafkaMetric metric = metrics.metric(metrics.metricName("rate", "g", "", Map.of()));
            List<String> steps = new ArrayList<>();
            for (int step = 0; step < 60; step++) {
                int kind = random.nextInt(20);
                int windowMs = windowSeconds * 1000;
                now += kind == 0 ? (long) windowMs * windows + random.nextInt(windowMs) : kind < 6 ? windowMs : random.nextInt(windowMs);
                int value = random.nextInt(4) == 0 ? 0 : random.nextInt((int) (bound * windowSeconds * 2) + 1);
                if (random.nextInt(15) == 0) value = -value;
                if (value != 0) sensor.record(value, now, false);
                long wait = 0;
                try {
                    sensor.checkQuotas(now);
                } catch (QuotaViolationException e) {
                    wait = isBucket ? Math.round(-e.value() / e.bound() * 1000) : QuotaUtils.throttleTime(e, now);
                }
                steps.add("[" + now + "," + value + "," + metric.measurable().measure(config, now) + "," + wait + "]");
            }
            System.out.println("{\"kind\":\"" + (isBucket ? "bucket" : "rate") + "\",\"windowMs\":" + windowSeconds * 1000 + ",\"windows\":" + windows + ",\"bound\":" + bound + ",\"steps\":[" + String.join(",", steps) + "]}");
        }
    }
}
