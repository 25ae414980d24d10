import java.io.*;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

/**
 * history/load.mjs with Java's clients: {@code HistoryLoad BOOTSTRAP TOPIC PARTITIONS FILE RECORDS_PER_SECOND}. One idempotent producer
 * with the settings that it has by default, and a group of two consumers. Prints {@code acked N}; a line on standard input ends the
 * sending, what was acknowledged is read to its end, and {@code done} is printed.
 */
public final class HistoryLoad {
    private static final String GROUP = "java-group";
    private static volatile boolean stopped;
    private static volatile boolean ending;
    private static PrintWriter out;
    private static final Set<String> expected = ConcurrentHashMap.newKeySet();
    private static final Set<String> seen = ConcurrentHashMap.newKeySet();

    public static void main(String[] args) throws Exception {
        String bootstrap = args[0];
        String topic = args[1];
        int partitions = Integer.parseInt(args[2]);
        out = new PrintWriter(new BufferedWriter(new FileWriter(args[3])));
        int perSecond = Integer.parseInt(args[4]);
        Thread control = new Thread(() -> {
            try {
                System.in.read();
            } catch (IOException closed) {
                // the same as stop
            }
            stopped = true;
        });
        control.setDaemon(true);
        control.start();

        List<Thread> consumers = new ArrayList<>();
        for (String name : List.of("java-1", "java-2")) {
            Thread thread = new Thread(() -> consume(bootstrap, topic, name));
            thread.start();
            consumers.add(thread);
        }
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "linger.ms", 5, "client.id", "history-java");
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
            for (long s = 0; !stopped; s++) {
                long number = s;
                int partition = (int) (s * 7 % partitions);
                String value = "j." + s;
                double t0 = nowMs();
                producer.send(new ProducerRecord<>(topic, partition, "k" + s % 50, value + ":" + "x".repeat((int) (s * 31 % 200))), (metadata, error) -> {
                    String common = String.format(Locale.ROOT, "\"p\":\"j\",\"s\":%d,\"n\":%d,\"v\":\"%s\",\"t0\":%.3f,\"t1\":%.3f", number, partition, value, t0, nowMs());
                    if (error == null) {
                        expected.add(value);
                        write("{\"e\":\"sent\"," + common + ",\"o\":" + metadata.offset() + "}");
                    } else write("{\"e\":\"unsent\"," + common + ",\"why\":\"" + words(error) + "\"}");
                });
                if (s % Math.max(1, perSecond / 10) == 0) {
                    System.out.println("acked " + expected.size());
                    Thread.sleep(100);
                }
            }
        }
        for (long end = System.nanoTime() + 240_000_000_000L; !seen.containsAll(expected) && System.nanoTime() < end; ) Thread.sleep(100);
        Thread.sleep(500);
        ending = true;
        for (Thread thread : consumers) thread.join();
        out.close();
        System.out.println("done");
        System.out.flush();
        System.exit(0);
    }

    private static void consume(String bootstrap, String topic, String name) {
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "group.id", GROUP, "auto.offset.reset", "earliest", "enable.auto.commit", "false", "client.id", name);
        write("{\"e\":\"consumer\",\"c\":\"" + name + "\",\"g\":\"" + GROUP + "\",\"committed\":false}");
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
                @Override
                public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
                    tell("revoked", name, partitions);
                }

                @Override
                public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
                    tell("assigned", name, partitions);
                }
            });
            for (int polls = 0; !ending; polls++) {
                ConsumerRecords<String, String> records;
                try {
                    records = consumer.poll(Duration.ofMillis(200));
                } catch (RuntimeException error) {
                    failed(name, error);
                    continue;
                }
                StringBuilder line = new StringBuilder();
                for (ConsumerRecord<String, String> record : records) {
                    String value = record.value().substring(0, record.value().indexOf(':'));
                    seen.add(value);
                    line.append(line.length() == 0 ? "" : ",").append('[').append(record.partition()).append(',').append(record.offset()).append(",\"").append(value).append("\"]");
                }
                if (line.length() == 0) continue;
                write(String.format(Locale.ROOT, "{\"e\":\"polled\",\"c\":\"%s\",\"t\":%.3f,\"r\":[%s]}", name, nowMs(), line));
                if (polls % 8 != 0) continue;
                try {
                    Map<TopicPartition, OffsetAndMetadata> positions = new HashMap<>();
                    for (TopicPartition partition : records.partitions()) positions.put(partition, new OffsetAndMetadata(consumer.position(partition)));
                    consumer.commitSync(positions);
                    positions.forEach((partition, offset) -> write(String.format(Locale.ROOT, "{\"e\":\"committed\",\"g\":\"%s\",\"n\":%d,\"o\":%d,\"t\":%.3f}", GROUP, partition.partition(), offset.offset(), nowMs())));
                } catch (CommitFailedException | org.apache.kafka.common.errors.RebalanceInProgressException rebalanced) {
                    // somebody else has the partition: what was read comes again
                } catch (RuntimeException error) {
                    failed(name, error);
                }
            }
        }
    }

    private static void failed(String name, RuntimeException error) {
        write(String.format(Locale.ROOT, "{\"e\":\"poll-failed\",\"c\":\"%s\",\"t\":%.3f,\"why\":\"%s\"}", name, nowMs(), words(error)));
    }

    private static String words(Exception error) {
        return String.valueOf(error).replaceAll("[\"\\\\\\n\\r\\t]", " ");
    }

    private static void tell(String what, String name, Collection<TopicPartition> partitions) {
        StringJoiner numbers = new StringJoiner(",", "[", "]");
        for (TopicPartition partition : partitions) numbers.add(String.valueOf(partition.partition()));
        write(String.format(Locale.ROOT, "{\"e\":\"%s\",\"c\":\"%s\",\"n\":%s,\"t\":%.3f}", what, name, numbers, nowMs()));
    }

    private static double nowMs() {
        return System.nanoTime() / 1e6;
    }

    private static synchronized void write(String line) {
        out.println(line);
    }
}
