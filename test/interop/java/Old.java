import java.util.*;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.*;

/**
 * Java clients from 0.9 on: {@code Old BOOTSTRAP NAME CODECS}. Says only what all of them know; Since010 and Since011, when they
 * are compiled beside it, say more. For each codec, topic {@code from-today-CODEC} holds 200 records of a newer client.
 */
public final class Old {
    static String bootstrap;
    static String name;

    public static void main(String[] args) {
        bootstrap = args[0];
        name = args[1];
        for (String codec : args[2].split(",")) {
            Cases.run(codec + ": produced and consumed", () -> codec(codec));
            Cases.run(codec + ": records of a newer client", () -> fromToday(codec));
        }
        for (String acks : new String[] {"0", "1", "all"}) Cases.run("acks " + acks, () -> acks(acks));
        Cases.run("a group: all partitions are read, offsets are committed and found again", Old::group);
        Cases.run("two members share a topic; one leaves and the other takes over", Old::twoMembers);
        Cases.run("seek to an offset, the beginning, past the end", Old::seeks);
        Cases.run("list topics and partitions", Old::metadata);
        for (String more : new String[] {"Since010", "Since011"}) {
            try {
                Class.forName(more).getMethod("run").invoke(null);
            } catch (ClassNotFoundException older) {
                // this client is too old for it
            } catch (ReflectiveOperationException error) {
                throw new IllegalStateException(error);
            }
        }
        Cases.done();
    }

    static Map<String, Object> config(Object... more) {
        Map<String, Object> config = new HashMap<>();
        config.put("bootstrap.servers", bootstrap);
        for (int i = 0; i < more.length; i += 2) config.put((String) more[i], more[i + 1]);
        return config;
    }

    static KafkaProducer<String, String> producer(Object... more) {
        return new KafkaProducer<>(config(more), new StringSerializer(), new StringSerializer());
    }

    static KafkaConsumer<String, String> consumer(Object... more) {
        Map<String, Object> config = config(more);
        config.put("auto.offset.reset", "earliest");
        config.put("enable.auto.commit", "false");
        config.put("heartbeat.interval.ms", 300);
        return new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
    }

    static List<String> fill(String topic, int partition, int count, Object... more) throws Exception {
        List<String> values = new ArrayList<>();
        try (KafkaProducer<String, String> producer = producer(more)) {
            List<Future<RecordMetadata>> sent = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                values.add("value of record number " + i);
                sent.add(producer.send(new ProducerRecord<>(topic, partition, "k" + i, values.get(i))));
            }
            for (Future<RecordMetadata> future : sent) future.get();
        }
        return values;
    }

    @SuppressWarnings("deprecation")
    static List<ConsumerRecord<String, String>> take(KafkaConsumer<String, String> consumer, int count) {
        List<ConsumerRecord<String, String>> records = new ArrayList<>();
        long end = System.nanoTime() + 60_000_000_000L;
        while (records.size() < count && System.nanoTime() < end) for (ConsumerRecord<String, String> record : consumer.poll(100)) records.add(record);
        return records;
    }

    static List<String> values(List<ConsumerRecord<String, String>> records) {
        List<String> values = new ArrayList<>();
        for (ConsumerRecord<String, String> record : records) values.add(record.value());
        return values;
    }

    static List<ConsumerRecord<String, String>> readAll(String topic, int partition, int count) {
        try (KafkaConsumer<String, String> consumer = consumer("group.id", name + "-reader")) {
            TopicPartition where = new TopicPartition(topic, partition);
            consumer.assign(Arrays.asList(where));
            consumer.seek(where, 0);
            return take(consumer, count);
        }
    }

    private static void codec(String codec) throws Exception {
        String topic = name + "-" + codec;
        List<String> sent = fill(topic, 0, 1000, "compression.type", codec, "linger.ms", 10);
        List<ConsumerRecord<String, String>> records = readAll(topic, 0, 1000);
        Cases.equal(values(records), sent);
        for (int i = 0; i < 1000; i++) Cases.equal(records.get(i).offset(), (long) i);
        Cases.equal(records.get(17).key(), "k17");
    }

    private static void fromToday(String codec) {
        List<ConsumerRecord<String, String>> records = readAll("from-today-" + codec, 0, 200);
        Cases.equal(records.size(), 200);
        for (int i = 0; i < 200; i++) Cases.equal(records.get(i).offset() + " " + records.get(i).key() + " " + records.get(i).value(), i + " k" + i + " today " + i);
    }

    private static void acks(String acks) throws Exception {
        List<String> sent = fill(name + "-acks-" + acks, 1, 100, "acks", acks);
        Cases.equal(values(readAll(name + "-acks-" + acks, 1, 100)), sent);
    }

    private static void group() throws Exception {
        String topic = name + "-group";
        for (int partition = 0; partition < 3; partition++) fill(topic, partition, 50);
        try (KafkaConsumer<String, String> consumer = consumer("group.id", topic)) {
            consumer.subscribe(Arrays.asList(topic));
            Cases.equal(take(consumer, 150).size(), 150);
            consumer.commitSync();
            Cases.equal(consumer.assignment().size(), 3);
        }
        for (int partition = 0; partition < 3; partition++) fill(topic, partition, 5);
        try (KafkaConsumer<String, String> consumer = consumer("group.id", topic)) {
            consumer.subscribe(Arrays.asList(topic));
            Cases.equal(take(consumer, 15).size(), 15);
        }
        try (KafkaConsumer<String, String> consumer = consumer("group.id", topic)) {
            Cases.equal(committed(consumer, new TopicPartition(topic, 1)), 50L);
        }
    }

    @SuppressWarnings("deprecation")
    private static long committed(KafkaConsumer<String, String> consumer, TopicPartition partition) {
        return consumer.committed(partition).offset();
    }

    /** Polls in a thread of its own. */
    private static final class Member extends Thread {
        final KafkaConsumer<String, String> consumer;
        volatile int partitions;
        volatile int count;
        volatile boolean closing;

        Member(String group) {
            consumer = consumer("group.id", group, "metadata.max.age.ms", 1000);
            consumer.subscribe(Arrays.asList(group));
            setDaemon(true);
            start();
        }

        @Override
        @SuppressWarnings("deprecation")
        public void run() {
            while (!closing) {
                int got = consumer.poll(50).count();
                partitions = consumer.assignment().size();
                count += got;
            }
            consumer.close();
        }

        void end() throws Exception {
            closing = true;
            join(60000);
        }
    }

    private static void twoMembers() throws Exception {
        String topic = name + "-two";
        for (int partition = 0; partition < 3; partition++) fill(topic, partition, 10);
        Member one = new Member(topic);
        Cases.until("the first has all", () -> one.partitions == 3 && one.count == 30);
        Member two = new Member(topic);
        Cases.until("both have some", () -> one.partitions + two.partitions == 3 && one.partitions > 0 && two.partitions > 0);
        two.end();
        Cases.until("the first has all again", () -> one.partitions == 3);
        one.end();
    }

    private static void seeks() throws Exception {
        fill(name + "-seek", 0, 20);
        TopicPartition where = new TopicPartition(name + "-seek", 0);
        try (KafkaConsumer<String, String> consumer = consumer("group.id", name + "-seek")) {
            consumer.assign(Arrays.asList(where));
            Cases.equal(consumer.position(where), 0L);
            consumer.seek(where, 15);
            Cases.equal(take(consumer, 1).get(0).offset(), 15L);
            consumer.seek(where, 1000); // auto.offset.reset leads back to the beginning
            Cases.equal(take(consumer, 1).get(0).offset(), 0L);
        }
    }

    private static void metadata() {
        try (KafkaConsumer<String, String> consumer = consumer("group.id", name + "-metadata")) {
            Cases.holds(consumer.listTopics().containsKey(name + "-seek"), "the topic is listed");
            Cases.equal(consumer.partitionsFor(name + "-seek").size(), 3);
            Cases.equal(consumer.partitionsFor(name + "-seek").get(0).leader().id(), 1);
        }
    }
}
