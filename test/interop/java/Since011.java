import java.util.*;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;

/** What 0.11 brought: headers, idempotent producers, the admin client. */
public final class Since011 {
    private Since011() {}

    public static void run() {
        Cases.run("headers", Since011::headers);
        Cases.run("headers of a newer client's records", Since011::headersFromToday);
        Cases.run("an idempotent producer", Since011::idempotent);
        Cases.run("admin: create, describe, configure, delete a topic", Since011::admin);
    }

    private static void headers() throws Exception {
        String topic = Old.name + "-headers";
        try (KafkaProducer<String, String> producer = Old.producer("compression.type", "lz4")) {
            ProducerRecord<String, String> record = new ProducerRecord<>(topic, 0, "k", "v");
            record.headers().add("a", new byte[] {1}).add("a", null);
            producer.send(record).get();
        }
        Cases.equal(text(Old.readAll(topic, 0, 1).get(0)), "a[1]anull");
    }

    private static String text(ConsumerRecord<String, String> record) {
        StringBuilder text = new StringBuilder();
        for (Header header : record.headers()) text.append(header.key()).append(Arrays.toString(header.value()));
        return text.toString();
    }

    private static void headersFromToday() {
        Cases.equal(text(Old.readAll("from-today-none", 0, 200).get(7)), "origin[107, 99, 97, 116]");
    }

    private static void idempotent() throws Exception {
        String topic = Old.name + "-idempotent";
        try (KafkaProducer<String, String> producer = Old.producer("enable.idempotence", "true", "acks", "all", "max.in.flight.requests.per.connection", 1, "batch.size", 200)) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int i = 0; i < 300; i++) sent.add(producer.send(new ProducerRecord<>(topic, 0, "k", "v" + i)));
            for (int i = 0; i < 300; i++) Cases.equal(sent.get(i).get().offset(), (long) i);
        }
        Cases.equal(Old.readAll(topic, 0, 300).size(), 300);
    }

    private static void admin() throws Exception {
        String topic = Old.name + "-admin";
        try (AdminClient admin = AdminClient.create(Old.config())) {
            admin.createTopics(Collections.singleton(new NewTopic(topic, 2, (short) 1).configs(Collections.singletonMap("retention.ms", "777777")))).all().get();
            Cases.until("it is listed", () -> admin.listTopics().names().get().contains(topic));
            Cases.equal(admin.describeTopics(Collections.singleton(topic)).all().get().get(topic).partitions().size(), 2);
            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            Cases.equal(admin.describeConfigs(Collections.singleton(resource)).all().get().get(resource).get("retention.ms").value(), "777777");
            admin.alterConfigs(Collections.singletonMap(resource, new Config(Collections.singleton(new ConfigEntry("segment.bytes", "1048576"))))).all().get();
            Cases.equal(admin.describeConfigs(Collections.singleton(resource)).all().get().get(resource).get("segment.bytes").value(), "1048576");
            Cases.equal(admin.describeConfigs(Collections.singleton(resource)).all().get().get(resource).get("retention.ms").value(), "604800000");
            admin.deleteTopics(Collections.singleton(topic)).all().get();
            Cases.until("it is gone", () -> !admin.listTopics().names().get().contains(topic));
            Cases.equal(admin.describeCluster().nodes().get().size(), 1);
        }
    }
}
