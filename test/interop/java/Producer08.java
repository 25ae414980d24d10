import java.util.*;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.serialization.StringSerializer;

/** The first Java producer of today's shape, 0.8.2: {@code Producer08 BOOTSTRAP NAME CODECS}. It asks for no versions at all. */
public final class Producer08 {
    public static void main(String[] args) {
        for (String codec : args[2].split(",")) {
            for (String acks : new String[] {"0", "1", "all"}) Cases.run(codec + ", acks " + acks, () -> produce(args[0], args[1] + "-" + codec + "-" + acks, codec, acks));
        }
        Cases.done();
    }

    private static void produce(String bootstrap, String topic, String codec, String acks) throws Exception {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", bootstrap);
        config.put("compression.type", codec);
        config.put("acks", acks);
        config.put("linger.ms", 10);
        KafkaProducer<String, String> producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (int i = 0; i < 200; i++) sent.add(producer.send(new ProducerRecord<>(topic, 0, "k" + i, "v" + i)));
        for (int i = 0; i < 200; i++) {
            long offset = sent.get(i).get().offset();
            if (!acks.equals("0")) Cases.equal(offset, (long) i);
        }
        producer.close();
    }
}
