import java.time.Duration;
import java.util.*;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.*;

/**
 * What a data directory holds, as its broker says: {@code State BOOTSTRAP print...} writes sorted lines, the same for the same logical
 * content, and {@code done}; any other word than {@code print} is a prefix with which topics, records, groups and configurations are added.
 */
public final class State {
    private static String bootstrap;
    private static final SortedSet<String> lines = new TreeSet<>();

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", bootstrap, "default.api.timeout.ms", 90000))) {
            for (String task : List.of(args).subList(1, args.length)) {
                if (!task.equals("print")) {
                    fill(admin, task);
                    continue;
                }
                print(admin);
                for (String line : lines) System.out.println(line);
                System.out.println("done");
                lines.clear();
            }
        }
        System.out.flush();
        System.exit(0);
    }

    private static void fill(Admin admin, String prefix) throws Exception {
        admin.createTopics(List.of(
            new NewTopic(prefix + "-records", 3, (short) 1).configs(Map.of("segment.bytes", "1048576", "retention.ms", "-1")),
            new NewTopic(prefix + "-times", 1, (short) 1).configs(Map.of("message.timestamp.type", "LogAppendTime", "retention.ms", "-1")),
            new NewTopic(prefix + "-empty", 2, (short) 1),
            new NewTopic(prefix + "-gone", 1, (short) 1))).all().get();
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) {
            Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "compression.type", codec, "linger.ms", 5);
            try (KafkaProducer<String, String> producer = new KafkaProducer<>(config, new StringSerializer(), new StringSerializer())) {
                for (int i = 0; i < 400; i++) {
                    String value = codec + " " + i + " " + "v".repeat(i * 3 % 2000);
                    ProducerRecord<String, String> record = new ProducerRecord<>(prefix + "-records", i % 3, 1700000000000L + i * 1000L, i % 7 == 0 ? null : "k" + i, i % 11 == 0 ? null : value);
                    if (i % 5 == 0) record.headers().add("codec", codec.getBytes()).add("empty", null);
                    producer.send(record);
                    if (i % 10 == 0) producer.send(new ProducerRecord<>(prefix + "-times", 0, "t" + i, codec));
                    if (i % 50 == 0) producer.send(new ProducerRecord<>(prefix + "-gone", 0, "g" + i, codec));
                }
            }
        }
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(Map.of("bootstrap.servers", bootstrap), new StringSerializer(), new StringSerializer())) {
            for (int i = 0; i < 60; i++) producer.send(new ProducerRecord<>(prefix + "-records", 1, "large" + i, "z".repeat(50000))); // some segments
        }
        admin.deleteTopics(List.of(prefix + "-gone")).all().get();
        TopicPartition first = new TopicPartition(prefix + "-records", 0);
        admin.deleteRecords(Map.of(first, RecordsToDelete.beforeOffset(17))).all().get();
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "group.id", prefix + "-group", "auto.offset.reset", "earliest", "enable.auto.commit", "false");
        try (KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(prefix + "-records"));
            long end = System.nanoTime() + 60_000_000_000L;
            while (consumer.poll(Duration.ofMillis(200)).isEmpty() && System.nanoTime() < end) continue;
            consumer.commitSync();
        }
        admin.alterConsumerGroupOffsets(prefix + "-offsets", Map.of(first, new OffsetAndMetadata(33, Optional.of(0), "some words"))).all().get();
        ConfigResource empty = new ConfigResource(ConfigResource.Type.TOPIC, prefix + "-empty");
        ConfigResource brokers = new ConfigResource(ConfigResource.Type.BROKER, "");
        admin.incrementalAlterConfigs(Map.of(
            empty, List.of(new AlterConfigOp(new ConfigEntry("max.message.bytes", "54321"), AlterConfigOp.OpType.SET)),
            brokers, List.of(new AlterConfigOp(new ConfigEntry("log.retention.ms", "999999999"), AlterConfigOp.OpType.SET)))).all().get();
        // Kafka's broker hears of what its controller has answered a moment later.
        for (long deadline = System.nanoTime() + 60_000_000_000L; System.nanoTime() < deadline; Thread.sleep(20)) {
            Map<ConfigResource, Config> known = admin.describeConfigs(List.of(empty, brokers)).all().get();
            ConfigEntry retention = known.get(brokers).get("log.retention.ms");
            boolean isKnown = known.get(empty).get("max.message.bytes").value().equals("54321") && retention != null && retention.value().equals("999999999");
            if (isKnown && !admin.listTopics().names().get().contains(prefix + "-gone")) break;
        }
    }

    private static void print(Admin admin) throws Exception {
        lines.add("cluster " + admin.describeCluster().clusterId().get() + " " + admin.describeCluster().nodes().get());
        lines.add("features " + new TreeMap<>(admin.describeFeatures().featureMetadata().get().finalizedFeatures()));
        Collection<String> topics = new TreeSet<>(admin.listTopics().names().get());
        Map<TopicPartition, OffsetSpec> earliest = new HashMap<>();
        Map<TopicPartition, OffsetSpec> latest = new HashMap<>();
        List<ConfigResource> resources = new ArrayList<>(List.of(new ConfigResource(ConfigResource.Type.BROKER, "")));
        for (TopicDescription topic : admin.describeTopics(topics).allTopicNames().get().values()) {
            lines.add("topic " + topic.name() + " " + topic.topicId() + " " + topic.partitions().size());
            resources.add(new ConfigResource(ConfigResource.Type.TOPIC, topic.name()));
            for (int partition = 0; partition < topic.partitions().size(); partition++) {
                earliest.put(new TopicPartition(topic.name(), partition), OffsetSpec.earliest());
                latest.put(new TopicPartition(topic.name(), partition), OffsetSpec.latest());
            }
        }
        for (Map.Entry<ConfigResource, Config> config : admin.describeConfigs(resources).all().get().entrySet()) {
            for (ConfigEntry entry : config.getValue().entries()) {
                if (entry.source() == ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG || entry.source() == ConfigEntry.ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG) {
                    lines.add("config " + config.getKey().name() + " " + entry.name() + "=" + entry.value());
                }
            }
        }
        Map<TopicPartition, Long> ends = new HashMap<>();
        for (var end : admin.listOffsets(latest).all().get().entrySet()) ends.put(end.getKey(), end.getValue().offset());
        for (var start : admin.listOffsets(earliest).all().get().entrySet()) {
            // what stands in the offsets topic is what the groups say; each broker adds to it
            if (!start.getKey().topic().startsWith("__")) lines.add("offsets " + start.getKey() + " " + start.getValue().offset() + " " + ends.get(start.getKey()));
        }
        for (GroupListing group : admin.listGroups().all().get()) {
            lines.add("group " + group.groupId() + " " + group.type() + " " + group.protocol() + " " + group.groupState());
            admin.listConsumerGroupOffsets(group.groupId()).partitionsToOffsetAndMetadata().get().forEach((partition, offset) -> lines.add("committed " + group.groupId() + " " + partition + " " + offset));
        }
        ends.keySet().removeIf(partition -> partition.topic().startsWith("__"));
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "enable.auto.commit", "false");
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            consumer.assign(ends.keySet());
            consumer.seekToBeginning(ends.keySet());
            long deadline = System.nanoTime() + 120_000_000_000L;
            while (System.nanoTime() < deadline) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                    StringBuilder headers = new StringBuilder();
                    for (Header header : record.headers()) headers.append(header.key()).append('=').append(Arrays.toString(header.value())).append(' ');
                    lines.add(String.format("record %s-%d %06d %s %d %d %s %d %s", record.topic(), record.partition(), record.offset(), record.timestampType(), record.timestamp(), record.leaderEpoch().orElse(-1), record.key() == null ? null : new String(record.key()), Arrays.hashCode(record.value()), headers));
                }
                boolean all = true;
                for (TopicPartition partition : ends.keySet()) all &= consumer.position(partition) >= ends.get(partition);
                if (all) return;
            }
            lines.add("not everything could be read");
        }
    }
}
