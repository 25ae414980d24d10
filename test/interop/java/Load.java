import java.io.*;
import java.util.*;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

/**
 * A load that outlives its broker: {@code Load BOOTSTRAP TOPIC PARTITIONS SEED}. An idempotent acks=all producer sends numbered records
 * with a few keys until standard input says {@code stop}; it notes each acknowledgement with its offset, and prints {@code acked N}
 * now and then. Then it reads everything and says what is wrong:
 * an acknowledged record that is missing or stands elsewhere, a duplicate, a hole between offsets, an order within a key that is not
 * the order of sending, a record that nobody sent.
 */
public final class Load {
    private static final int KEYS = 50;
    private static volatile boolean stop;

    private record Acknowledged(int partition, long offset) {}

    public static void main(String[] args) throws Exception {
        String bootstrap = args[0];
        String topic = args[1];
        int partitions = Integer.parseInt(args[2]);
        Random random = new Random(Long.parseLong(args[3]));
        Thread control = new Thread(() -> {
            try (BufferedReader in = new BufferedReader(new InputStreamReader(System.in))) {
                for (String line = in.readLine(); line != null && !line.equals("stop"); line = in.readLine()) continue;
            } catch (IOException closed) {
                // the same as stop
            }
            stop = true;
        });
        control.setDaemon(true);
        control.start();

        Map<Long, Acknowledged> acknowledged = Collections.synchronizedMap(new HashMap<>());
        Map<String, Long> refused = Collections.synchronizedMap(new TreeMap<>());
        AtomicLong firstFailed = new AtomicLong(-1);
        long sent = 0;
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", bootstrap);
        config.put("acks", "all");
        config.put("enable.idempotence", "true");
        config.put("max.in.flight.requests.per.connection", 5);
        config.put("linger.ms", 5);
        config.put("batch.size", 4000);
        config.put("buffer.memory", 400000); // so that it waits for the broker instead of running ahead
        config.put("max.block.ms", 60000);
        config.put("delivery.timeout.ms", 120000);
        config.put("request.timeout.ms", 10000);
        config.put("reconnect.backoff.max.ms", 200);
        config.put("retry.backoff.ms", 50);
        config.put("compression.type", "lz4");
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            while (!stop) {
                for (int i = 0; i < 20; i++) {
                    long number = sent++;
                    int key = (int) (number % KEYS);
                    String value = number + ":" + "x".repeat(random.nextInt(400));
                    producer.send(new ProducerRecord<>(topic, key % partitions, "k" + key, value), (metadata, error) -> {
                        if (error == null) acknowledged.put(number, new Acknowledged(metadata.partition(), metadata.offset()));
                        else refused.merge(error.getClass().getSimpleName(), 1L, Long::sum);
                    });
                }
                if (sent % 200 == 0) System.out.println("acked " + acknowledged.size());
                Thread.sleep(1);
            }
        }
        System.out.println("sent " + sent + ", acknowledged " + acknowledged.size() + ", refused " + refused);
        verify(bootstrap, topic, partitions, sent, acknowledged);
        System.out.println("done");
        System.out.flush();
        System.exit(0);
    }

    private static void verify(String bootstrap, String topic, int partitions, long sent, Map<Long, Acknowledged> acknowledged) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", bootstrap);
        config.put("enable.auto.commit", "false");
        long wrong = 0;
        long read = 0;
        Set<Long> seen = new HashSet<>();
        Map<String, Long> lastOfKey = new HashMap<>();
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            List<TopicPartition> all = new ArrayList<>();
            for (int partition = 0; partition < partitions; partition++) all.add(new TopicPartition(topic, partition));
            consumer.assign(all);
            consumer.seekToBeginning(all);
            Map<TopicPartition, Long> ends = consumer.endOffsets(all);
            Map<TopicPartition, Long> next = new HashMap<>();
            for (TopicPartition partition : all) next.put(partition, 0L);
            long deadline = System.nanoTime() + 180_000_000_000L;
            while (!next.equals(ends) && System.nanoTime() < deadline) {
                for (ConsumerRecord<String, String> record : consumer.poll(java.time.Duration.ofMillis(200))) {
                    TopicPartition where = new TopicPartition(topic, record.partition());
                    read++;
                    if (record.offset() != next.get(where)) wrong += say("hole: " + where + " goes from " + next.get(where) + " to " + record.offset());
                    next.put(where, record.offset() + 1);
                    long number = Long.parseLong(record.value().substring(0, record.value().indexOf(':')));
                    if (number >= sent) wrong += say("nobody sent " + number);
                    if (!seen.add(number)) wrong += say("twice: " + number + " at " + where + " " + record.offset());
                    if (!record.key().equals("k" + number % KEYS)) wrong += say("another key: " + number + " has " + record.key());
                    Long last = lastOfKey.put(record.key(), number);
                    if (last != null && last > number) wrong += say("order of " + record.key() + ": " + number + " after " + last);
                    Acknowledged ack = acknowledged.get(number);
                    if (ack != null && (ack.partition() != record.partition() || ack.offset() >= 0 && ack.offset() != record.offset())) wrong += say("elsewhere: " + number + " at " + where + " " + record.offset() + " instead of " + ack);
                }
            }
            if (!next.equals(ends)) wrong += say("read to " + next + " of " + ends);
        }
        for (long number : acknowledged.keySet()) if (!seen.contains(number)) wrong += say("lost: " + number + " " + acknowledged.get(number));
        System.out.println("read " + read + ", wrong " + wrong);
    }

    private static int say(String what) {
        System.out.println("WRONG " + what);
        return 1;
    }
}
