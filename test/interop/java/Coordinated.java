import java.io.*;
import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.*;

/**
 * A member of a classic group and transactions that stay open until they are told to end: {@code Coordinated BOOTSTRAP INPUT OUTPUT}. A
 * line on standard input is answered by one: {@code begin ID TIMEOUT_MS VALUE} sends a record in a new transaction, {@code commit ID} and
 * {@code abort ID} end it, {@code group} tells generation and member of the consumer, who commits whatever it has read.
 */
public final class Coordinated {
    private static volatile String group = "none";
    private static final Map<String, KafkaProducer<String, String>> producers = new HashMap<>();

    public static void main(String[] args) throws Exception {
        String bootstrap = args[0];
        Thread member = new Thread(() -> consume(bootstrap, args[1]));
        member.setDaemon(true);
        member.start();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ");
            try {
                System.out.println(answer(bootstrap, args[2], words));
            } catch (Exception failed) {
                System.out.println("failed " + failed);
            }
        }
        System.exit(0);
    }

    private static String answer(String bootstrap, String output, String[] words) throws Exception {
        switch (words[0]) {
            case "begin": {
                KafkaProducer<String, String> producer = producers.get(words[1]);
                if (producer == null) {
                    Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "transactional.id", words[1], "transaction.timeout.ms", Integer.parseInt(words[2]), "linger.ms", 0);
                    producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
                    producer.initTransactions();
                    producers.put(words[1], producer);
                }
                producer.beginTransaction();
                producer.send(new ProducerRecord<>(output, 0, null, words[3])).get();
                return "begun";
            }
            case "commit":
                producers.get(words[1]).commitTransaction();
                return "committed";
            case "abort":
                producers.get(words[1]).abortTransaction();
                return "aborted";
            default:
                return group;
        }
    }

    private static void consume(String bootstrap, String input) {
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "group.id", "java-moved", "auto.offset.reset", "earliest", "enable.auto.commit", "false");
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(input));
            for (;;) {
                boolean isEmpty = consumer.poll(Duration.ofMillis(200)).isEmpty();
                ConsumerGroupMetadata metadata = consumer.groupMetadata();
                group = metadata.generationId() + " " + metadata.memberId();
                if (!isEmpty) consumer.commitSync();
            }
        } catch (Exception failed) {
            group = "failed " + failed;
        }
    }
}
