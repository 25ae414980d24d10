import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.producer.*;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.record.TimestampType;

/** What 0.10 brought: records have times, and offsets are found by them. */
public final class Since010 {
    private Since010() {}

    public static void run() {
        Cases.run("times are kept, and offsets found by them", Since010::times);
        Cases.run("beginning and end of partitions", Since010::ends);
        Cases.run("a topic with LogAppendTime", Since010::logAppendTime);
        Cases.run("times of a newer client's records", Since010::timesFromToday);
    }

    private static void times() throws Exception {
        String topic = Old.name + "-times";
        try (KafkaProducer<String, String> producer = Old.producer()) {
            for (int i = 0; i < 20; i++) producer.send(new ProducerRecord<>(topic, 0, 2000000L + i * 100, "k", "v" + i)).get();
        }
        List<ConsumerRecord<String, String>> records = Old.readAll(topic, 0, 20);
        for (int i = 0; i < 20; i++) Cases.equal(records.get(i).timestamp(), 2000000L + i * 100);
        Cases.equal(records.get(0).timestampType(), TimestampType.CREATE_TIME);
        TopicPartition where = new TopicPartition(topic, 0);
        try (KafkaConsumer<String, String> consumer = Old.consumer()) {
            OffsetAndTimestamp found = consumer.offsetsForTimes(Collections.singletonMap(where, 2000450L)).get(where);
            Cases.equal(found.offset() + " " + found.timestamp(), "5 2000500");
            Cases.equal(consumer.offsetsForTimes(Collections.singletonMap(where, 9000000L)).get(where), null);
        }
    }

    private static void ends() {
        TopicPartition where = new TopicPartition(Old.name + "-times", 0);
        try (KafkaConsumer<String, String> consumer = Old.consumer()) {
            Cases.equal(consumer.beginningOffsets(Arrays.asList(where)).get(where), 0L);
            Cases.equal(consumer.endOffsets(Arrays.asList(where)).get(where), 20L);
            consumer.assign(Arrays.asList(where));
            consumer.seekToEnd(Arrays.asList(where));
            Cases.equal(consumer.position(where), 20L);
        }
    }

    /** The suite has made the topic. */
    private static void logAppendTime() throws Exception {
        String topic = "append-time";
        long before = System.currentTimeMillis();
        RecordMetadata sent;
        try (KafkaProducer<String, String> producer = Old.producer("compression.type", "gzip")) {
            sent = producer.send(new ProducerRecord<>(topic, 0, before - 3600000, "k", Old.name)).get();
        }
        Cases.holds(sent.timestamp() >= before - 1000, "the broker's time is answered: " + sent.timestamp());
        try (KafkaConsumer<String, String> consumer = Old.consumer()) {
            TopicPartition where = new TopicPartition(topic, 0);
            consumer.assign(Arrays.asList(where));
            consumer.seek(where, sent.offset());
            ConsumerRecord<String, String> record = Old.take(consumer, 1).get(0);
            Cases.equal(record.value() + " " + record.timestampType() + " " + record.timestamp(), Old.name + " LogAppendTime " + sent.timestamp());
        }
    }

    private static void timesFromToday() {
        long now = System.currentTimeMillis();
        for (ConsumerRecord<String, String> record : Old.readAll("from-today-gzip", 0, 200)) Cases.holds(Math.abs(record.timestamp() - now) < 3600000, "a time of today: " + record.timestamp());
    }
}
