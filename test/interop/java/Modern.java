import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.*;

/** Producers and consumers of today's Java client: {@code Modern BOOTSTRAP}. Topics are created by asking for them. */
public final class Modern {
    private static String bootstrap;

    public static void main(String[] args) {
        bootstrap = args[0];
        for (String codec : List.of("none", "gzip", "snappy", "lz4", "zstd")) Cases.run(codec + ": produced and consumed", () -> codec(codec));
        for (String acks : List.of("0", "1", "all")) Cases.run("acks " + acks, () -> acks(acks));
        Cases.run("an idempotent producer numbers its batches, one connection after another", Modern::idempotent);
        Cases.run("headers with repeated names and null values", Modern::headers);
        Cases.run("a record larger than the topic allows is refused, the next one is not", Modern::tooLarge);
        Cases.run("metadata of a topic that may not exist: an invalid name", Modern::invalidTopic);
        Cases.run("seek to the beginning, the end, an offset, a time", Modern::seeks);
        Cases.run("offsetsForTimes, beginningOffsets, endOffsets, lag", Modern::offsets);
        Cases.run("an offset out of range is reported to a consumer without a reset policy", Modern::outOfRange);
        Cases.run("small fetches: every record comes, large ones too", Modern::smallFetches);
        Cases.run("two members share a topic; one leaves and the other takes over", Modern::twoMembers);
        Cases.run("cooperative rebalance: nobody stops reading what it keeps", Modern::cooperative);
        Cases.run("a static member comes back within its session and keeps its partitions", Modern::staticMember);
        Cases.run("a second static member of the same name fences the first", Modern::fencedStaticMember);
        Cases.run("commits: sync, async, with metadata, per partition; found by another member", Modern::commits);
        Cases.run("a pattern subscription finds new topics", Modern::pattern);
        Cases.run("read_committed reads all where no transaction is", Modern::readCommitted);
        Cases.done();
    }

    static <K, V> KafkaProducer<String, String> producer(Object... more) {
        Map<String, Object> config = config(more);
        config.putIfAbsent("delivery.timeout.ms", 90000);
        return new KafkaProducer<>(config, new StringSerializer(), new StringSerializer());
    }

    static KafkaConsumer<String, String> consumer(Object... more) {
        Map<String, Object> config = config(more);
        config.putIfAbsent("auto.offset.reset", "earliest");
        config.putIfAbsent("enable.auto.commit", "false");
        return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    }

    static Map<String, Object> config(Object... more) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", bootstrap);
        config.put("request.timeout.ms", 30000);
        config.put("default.api.timeout.ms", 60000);
        for (int i = 0; i < more.length; i += 2) config.put((String) more[i], more[i + 1]);
        config.computeIfPresent("request.timeout.ms", (key, value) -> value);
        return config;
    }

    static List<String> fill(String topic, int partition, int count, Object... more) throws Exception {
        List<String> values = new ArrayList<>();
        try (KafkaProducer<String, String> producer = producer(more)) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                values.add("value of record number " + i);
                sent.add(producer.send(new ProducerRecord<>(topic, partition, "k" + i, values.get(i))));
            }
            producer.flush();
            for (Future<RecordMetadata> future : sent) future.get();
        }
        return values;
    }

    static List<ConsumerRecord<String, String>> take(KafkaConsumer<String, String> consumer, int count) {
        List<ConsumerRecord<String, String>> records = new ArrayList<>();
        long end = System.nanoTime() + 60_000_000_000L;
        while (records.size() < count && System.nanoTime() < end) for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) records.add(record);
        return records;
    }

    static List<String> values(List<ConsumerRecord<String, String>> records) {
        List<String> values = new ArrayList<>();
        for (ConsumerRecord<String, String> record : records) values.add(record.value());
        return values;
    }

    static List<String> readAll(String topic, int partition, int count) {
        try (KafkaConsumer<String, String> consumer = consumer()) {
            consumer.assign(List.of(new TopicPartition(topic, partition)));
            return values(take(consumer, count));
        }
    }

    private static void codec(String codec) throws Exception {
        List<String> sent = fill("j-" + codec, 0, 3000, "compression.type", codec, "linger.ms", 20);
        Cases.equal(readAll("j-" + codec, 0, 3000), sent);
    }

    private static void acks(String acks) throws Exception {
        List<String> sent = fill("j-acks-" + acks, 0, 200, "acks", acks, "enable.idempotence", "false");
        Cases.equal(readAll("j-acks-" + acks, 0, 200), sent);
    }

    private static void idempotent() throws Exception {
        List<String> sent = new ArrayList<>();
        try (KafkaProducer<String, String> producer = producer("connections.max.idle.ms", 300, "batch.size", 500, "max.in.flight.requests.per.connection", 5)) {
            for (int round = 0; round < 4; round++) {
                List<Future<RecordMetadata>> futures = new ArrayList<>();
                for (int i = 0; i < 200; i++) {
                    sent.add(round + "-" + i);
                    futures.add(producer.send(new ProducerRecord<>("j-idempotent", 0, "k", sent.get(sent.size() - 1))));
                }
                long expected = round * 200L;
                for (Future<RecordMetadata> future : futures) Cases.equal(future.get().offset(), expected++);
                Thread.sleep(500);
            }
        }
        Cases.equal(readAll("j-idempotent", 0, 800), sent);
    }

    private static void headers() throws Exception {
        try (KafkaProducer<String, String> producer = producer()) {
            List<Header> headers = List.of(new RecordHeader("a", new byte[] {1, 2}), new RecordHeader("a", null), new RecordHeader("b", new byte[0]));
            producer.send(new ProducerRecord<>("j-headers", 0, 1234567890123L, null, null, headers)).get();
        }
        try (KafkaConsumer<String, String> consumer = consumer()) {
            consumer.assign(List.of(new TopicPartition("j-headers", 0)));
            ConsumerRecord<String, String> record = take(consumer, 1).get(0);
            Cases.equal(record.key(), null);
            Cases.equal(record.value(), null);
            Cases.equal(record.timestamp(), 1234567890123L);
            List<String> got = new ArrayList<>();
            for (Header header : record.headers()) got.add(header.key() + "=" + Arrays.toString(header.value()));
            Cases.equal(got, List.of("a=[1, 2]", "a=null", "b=[]"));
        }
    }

    private static void tooLarge() throws Exception {
        try (KafkaProducer<String, String> producer = producer("max.request.size", 5000000)) {
            Cases.fails(RecordTooLargeException.class, () -> producer.send(new ProducerRecord<>("j-large", 0, "k", "x".repeat(2000000))).get());
            Cases.equal(producer.send(new ProducerRecord<>("j-large", 0, "k", "y".repeat(900000))).get().offset(), 0L);
        }
        Cases.equal(readAll("j-large", 0, 1).get(0).length(), 900000);
    }

    private static void invalidTopic() throws Exception {
        try (KafkaProducer<String, String> producer = producer()) {
            Cases.fails(InvalidTopicException.class, () -> producer.send(new ProducerRecord<>("not a topic!", "v")).get());
            Cases.equal(producer.partitionsFor("j-headers").size(), 3);
        }
    }

    private static void seeks() throws Exception {
        TopicPartition partition = new TopicPartition("j-seek", 0);
        try (KafkaProducer<String, String> producer = producer()) {
            for (int i = 0; i < 100; i++) producer.send(new ProducerRecord<>("j-seek", 0, 1000000L + i * 10, "k", "v" + i)).get();
        }
        try (KafkaConsumer<String, String> consumer = consumer()) {
            consumer.assign(List.of(partition));
            consumer.seek(partition, 57);
            Cases.equal(take(consumer, 1).get(0).value(), "v57");
            consumer.seekToBeginning(List.of(partition));
            Cases.equal(consumer.position(partition), 0L);
            consumer.seekToEnd(List.of(partition));
            Cases.equal(consumer.position(partition), 100L);
            OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(partition, 1000305L)).get(partition);
            Cases.equal(found.offset(), 31L);
            consumer.seek(partition, found.offset());
            Cases.equal(take(consumer, 1).get(0).timestamp(), 1000310L);
        }
    }

    private static void offsets() throws Exception {
        TopicPartition filled = new TopicPartition("j-seek", 0);
        TopicPartition empty = new TopicPartition("j-seek", 1);
        try (KafkaConsumer<String, String> consumer = consumer()) {
            Cases.equal(consumer.beginningOffsets(List.of(filled, empty)), Map.of(filled, 0L, empty, 0L));
            Cases.equal(consumer.endOffsets(List.of(filled, empty)), Map.of(filled, 100L, empty, 0L));
            Map<TopicPartition, OffsetAndTimestamp> times = consumer.offsetsForTimes(Map.of(filled, 0L, empty, 0L));
            Cases.equal(times.get(filled).offset(), 0L);
            Cases.equal(times.get(filled).timestamp(), 1000000L);
            Cases.equal(times.get(empty), null);
            Cases.equal(consumer.offsetsForTimes(Map.of(filled, 9999999L)).get(filled), null);
            consumer.assign(List.of(filled));
            consumer.seek(filled, 40);
            take(consumer, 1);
            Cases.equal(consumer.currentLag(filled).getAsLong() >= 0, true);
        }
    }

    private static void outOfRange() throws Exception {
        try (KafkaConsumer<String, String> consumer = consumer("auto.offset.reset", "none")) {
            TopicPartition partition = new TopicPartition("j-seek", 0);
            consumer.assign(List.of(partition));
            consumer.seek(partition, 5000);
            Cases.fails(org.apache.kafka.clients.consumer.OffsetOutOfRangeException.class, () -> {
                for (int i = 0; i < 600; i++) consumer.poll(Duration.ofMillis(100));
            });
        }
    }

    private static void smallFetches() throws Exception {
        List<String> sent = new ArrayList<>();
        try (KafkaProducer<String, String> producer = producer("batch.size", 100)) {
            for (int i = 0; i < 60; i++) {
                sent.add(i + "-" + "z".repeat(i % 10 == 0 ? 50000 : 100));
                producer.send(new ProducerRecord<>("j-small", 0, "k", sent.get(i)));
            }
        }
        try (KafkaConsumer<String, String> consumer = consumer("max.partition.fetch.bytes", 1000, "fetch.max.bytes", 2000)) {
            consumer.assign(List.of(new TopicPartition("j-small", 0)));
            Cases.equal(values(take(consumer, 60)), sent);
        }
    }

    /** A member in a thread of its own: polls, commits, and says what it has and what it got. */
    static final class Member implements AutoCloseable {
        final Set<TopicPartition> assigned = ConcurrentHashMap.newKeySet();
        final Queue<String> got = new ConcurrentLinkedQueue<>();
        final List<String> events = Collections.synchronizedList(new ArrayList<>());
        final KafkaConsumer<String, String> consumer;
        final Thread thread;
        volatile boolean closing;
        volatile Throwable error;

        Member(String group, String topic, Object... more) {
            Map<String, Object> config = config(more);
            config.put("group.id", group);
            config.put("auto.offset.reset", "earliest");
            config.put("heartbeat.interval.ms", 300);
            config.put("enable.auto.commit", "false");
            config.put("metadata.max.age.ms", 1000);
            consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
            consumer.subscribe(List.of(topic), new ConsumerRebalanceListener() {
                public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
                    if (!partitions.isEmpty()) events.add("revoked " + partitions.size());
                    assigned.removeAll(partitions);
                }
                public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
                    events.add("assigned " + partitions.size());
                    assigned.addAll(partitions);
                }
                public void onPartitionsLost(Collection<TopicPartition> partitions) {
                    events.add("lost " + partitions.size());
                    assigned.removeAll(partitions);
                }
            });
            thread = new Thread(this::poll);
            thread.setDaemon(true);
            thread.start();
        }

        private void poll() {
            try {
                while (!closing) {
                    boolean some = false;
                    for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(50))) {
                        got.add(record.value());
                        some = true;
                    }
                    try {
                        if (some) consumer.commitSync();
                    } catch (RebalanceInProgressException | CommitFailedException again) {
                        // what was read is read once more
                    }
                }
            } catch (Throwable caught) {
                error = caught;
            } finally {
                consumer.close(CloseOptions.timeout(Duration.ofSeconds(30)));
            }
        }

        @Override
        public void close() throws Exception {
            closing = true;
            thread.join(60000);
        }
    }

    private static void twoMembers() throws Exception {
        for (int partition = 0; partition < 3; partition++) fill("j-two", partition, 100);
        try (Member one = new Member("j-two", "j-two")) {
            Cases.until("the first has all", () -> one.assigned.size() == 3 && one.got.size() == 300);
            try (Member two = new Member("j-two", "j-two")) {
                Cases.until("both have some", () -> one.assigned.size() + two.assigned.size() == 3 && !one.assigned.isEmpty() && !two.assigned.isEmpty());
                for (int partition = 0; partition < 3; partition++) fill("j-two", partition, 50);
                Cases.until("both read", () -> !two.got.isEmpty() && one.got.size() + two.got.size() >= 450);
            }
            Cases.until("the first has all again", () -> one.assigned.size() == 3);
            fill("j-two", 0, 10);
            int before = one.got.size();
            Cases.until("it reads on", () -> one.got.size() >= before);
            Cases.equal(one.error, null);
        }
    }

    private static void cooperative() throws Exception {
        String assignor = CooperativeStickyAssignor.class.getName();
        for (int partition = 0; partition < 3; partition++) fill("j-coop", partition, 10);
        try (Member one = new Member("j-coop", "j-coop", "partition.assignment.strategy", assignor)) {
            Cases.until("the first has all", () -> one.assigned.size() == 3);
            try (Member two = new Member("j-coop", "j-coop", "partition.assignment.strategy", assignor)) {
                Cases.until("both have some", () -> one.assigned.size() + two.assigned.size() == 3 && !two.assigned.isEmpty());
                Cases.holds(one.events.stream().noneMatch(event -> event.equals("revoked 3")), "only what moves is revoked: " + one.events);
            }
            Cases.until("the first has all again", () -> one.assigned.size() == 3);
        }
    }

    private static void staticMember() throws Exception {
        fill("j-static", 0, 10);
        try (Member stays = new Member("j-static", "j-static", "group.instance.id", "stays")) {
            Cases.until("the first has all", () -> stays.assigned.size() == 3);
            Set<TopicPartition> had;
            try (Member goes = new Member("j-static", "j-static", "group.instance.id", "goes")) {
                Cases.until("both have some", () -> stays.assigned.size() + goes.assigned.size() == 3 && !goes.assigned.isEmpty());
                had = Set.copyOf(goes.assigned);
            }
            int events = stays.events.size();
            try (Member back = new Member("j-static", "j-static", "group.instance.id", "goes")) {
                Cases.until("it has the same", () -> back.assigned.equals(had));
                Cases.equal(stays.events.size(), events);
            }
        }
    }

    private static void fencedStaticMember() throws Exception {
        try (Member one = new Member("j-fenced", "j-static", "group.instance.id", "same")) {
            Cases.until("the first has all", () -> one.assigned.size() == 3);
            try (Member two = new Member("j-fenced", "j-static", "group.instance.id", "same")) {
                Cases.until("the first is fenced", () -> one.error instanceof FencedInstanceIdException);
                Cases.until("the second has all", () -> two.assigned.size() == 3);
            }
        }
    }

    private static void commits() throws Exception {
        TopicPartition zero = new TopicPartition("j-seek", 0);
        TopicPartition one = new TopicPartition("j-seek", 1);
        try (KafkaConsumer<String, String> consumer = consumer("group.id", "j-commits")) {
            consumer.assign(List.of(zero, one));
            Cases.equal(consumer.committed(Set.of(zero, one)), mapOf(zero, null, one, null));
            consumer.commitSync(Map.of(zero, new OffsetAndMetadata(12, Optional.of(0), "a word")));
            CountDownLatch done = new CountDownLatch(1);
            consumer.commitAsync(Map.of(one, new OffsetAndMetadata(0)), (offsets, error) -> {
                if (error == null) done.countDown();
            });
            Cases.until("the callback", () -> {
                consumer.poll(Duration.ofMillis(20));
                return done.getCount() == 0;
            });
        }
        try (KafkaConsumer<String, String> consumer = consumer("group.id", "j-commits")) {
            consumer.assign(List.of(zero));
            OffsetAndMetadata found = consumer.committed(Set.of(zero)).get(zero);
            Cases.equal(found.offset(), 12L);
            Cases.equal(found.metadata(), "a word");
            Cases.equal(found.leaderEpoch(), Optional.of(0));
            Cases.equal(take(consumer, 1).get(0).offset(), 12L);
        }
    }

    private static Map<TopicPartition, OffsetAndMetadata> mapOf(TopicPartition one, OffsetAndMetadata first, TopicPartition two, OffsetAndMetadata second) {
        Map<TopicPartition, OffsetAndMetadata> map = new HashMap<>();
        map.put(one, first);
        map.put(two, second);
        return map;
    }

    private static void pattern() throws Exception {
        fill("j-pattern-1", 0, 5);
        try (KafkaConsumer<String, String> consumer = consumer("group.id", "j-pattern", "metadata.max.age.ms", 500)) {
            consumer.subscribe(java.util.regex.Pattern.compile("j-pattern-.*"));
            Cases.equal(take(consumer, 5).size(), 5);
            consumer.commitSync(); // the rebalance for the new topic begins anew where the group is
            fill("j-pattern-2", 0, 7);
            Cases.equal(take(consumer, 7).size(), 7);
        }
    }

    private static void readCommitted() throws Exception {
        try (KafkaConsumer<String, String> consumer = consumer("isolation.level", "read_committed")) {
            TopicPartition partition = new TopicPartition("j-seek", 0);
            consumer.assign(List.of(partition));
            Cases.equal(consumer.endOffsets(List.of(partition)).get(partition), 100L);
            Cases.equal(take(consumer, 100).size(), 100);
        }
    }
}
