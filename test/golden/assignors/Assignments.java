/*
 * Writes what the assignors of Apache Kafka's own client make of random groups, one JSON object a line, for
 * src/client/consumer/group/assignors/golden.test.ts. With kafka-clients 4.3.1 and what it needs on the class path:
 *
 *     java -cp 'libs/*' Assignments.java 600 | gzip -9n > assignments.jsonl.gz
 */
import java.nio.ByteBuffer;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.clients.consumer.ConsumerPartitionAssignor.*;
import org.apache.kafka.common.*;

public class Assignments {
    static Random random = new Random(7);

    public static void main(String[] args) {
        int count = Integer.parseInt(args[0]);
        for (int i = 0; i < count; i++) group(i);
    }

    static void group(int index) {
        boolean racks = index % 3 == 2;
        boolean uniform = index % 2 == 0;
        int topicCount = 1 + random.nextInt(5);
        int memberCount = 1 + random.nextInt(index % 10 == 9 ? 30 : 6);
        Map<String, List<List<String>>> topics = new LinkedHashMap<>();
        for (int t = 0; t < topicCount; t++) topics.put("topic" + (char) ('a' + random.nextInt(26)) + t, partitions(racks));
        Map<String, List<String>> subscribed = new LinkedHashMap<>();
        Map<String, String> instances = new HashMap<>();
        Map<String, String> rackOf = new HashMap<>();
        int made = 0;
        for (int m = 0; m < memberCount; m++) join(made++, topics.keySet(), uniform, racks, subscribed, instances, rackOf);
        // Each assignor goes its own way over some generations.
        for (String name : List.of("range", "roundrobin", "sticky", "cooperative-sticky")) {
            Map<String, List<TopicPartition>> owned = new HashMap<>();
            Map<String, Integer> generations = new HashMap<>();
            Map<String, ConsumerPartitionAssignor> assignors = new HashMap<>();
            Map<String, List<String>> members = new LinkedHashMap<>(subscribed);
            Map<String, List<List<String>>> present = new LinkedHashMap<>(topics);
            int next = made;
            for (int generation = 1; generation <= (name.endsWith("sticky") ? 4 : 1); generation++) {
                if (generation > 1) {
                    int dice = random.nextInt(5);
                    if (dice == 0 && members.size() > 1) members.remove(pick(members.keySet()));
                    else if (dice == 1) join(next++, present.keySet(), uniform, racks, members, instances, rackOf);
                    else if (dice == 2) present.put("new" + generation, partitions(racks));
                    else if (dice == 3 && present.size() > 1) present.remove(pick(present.keySet()));
                    if (dice == 2 && uniform) for (String id : members.keySet()) {
                        List<String> all = new ArrayList<>(members.get(id));
                        all.add("new" + generation);
                        members.put(id, all);
                    }
                }
                Map<String, Subscription> subscriptions = new HashMap<>();
                List<String> lines = new ArrayList<>();
                for (String id : members.keySet()) {
                    ConsumerPartitionAssignor assignor = assignors.computeIfAbsent(id, k -> make(name));
                    ByteBuffer data = assignor.subscriptionUserData(new HashSet<>(members.get(id)));
                    List<TopicPartition> mine = name.equals("cooperative-sticky") ? owned.getOrDefault(id, List.of()) : List.of();
                    int told = generations.getOrDefault(id, -1);
                    Optional<String> rack = Optional.ofNullable(rackOf.get(id));
                    Subscription one = new Subscription(members.get(id), data, mine, told, rack);
                    if (instances.containsKey(id)) one.setGroupInstanceId(Optional.of(instances.get(id)));
                    subscriptions.put(id, one);
                    String text = "";
                    if (data != null) {
                        byte[] bytes = new byte[data.remaining()];
                        data.duplicate().get(bytes);
                        text = Base64.getEncoder().encodeToString(bytes);
                    }
                    lines.add("{\"id\":\"" + id + "\",\"topics\":" + strings(members.get(id)) + ",\"data\":"
                        + (data == null ? "null" : "\"" + text + "\"") + ",\"owned\":" + places(mine) + ",\"generation\":" + told
                        + ",\"instance\":" + string(instances.get(id)) + ",\"rack\":" + string(rackOf.get(id)) + "}");
                }
                Map<String, Assignment> assigned =
                    make(name).assign(cluster(present), new GroupSubscription(subscriptions)).groupAssignment();
                List<String> results = new ArrayList<>();
                for (String id : members.keySet()) {
                    List<TopicPartition> got = assigned.get(id).partitions();
                    results.add("\"" + id + "\":" + places(got));
                    // Now and then a member misses a generation.
                    if (random.nextInt(6) > 0) {
                        owned.put(id, got);
                        generations.put(id, generation);
                        assignors.get(id).onAssignment(assigned.get(id), new ConsumerGroupMetadata("g", generation, id, Optional.empty()));
                    }
                }
                List<String> shape = new ArrayList<>();
                for (var topic : present.entrySet()) {
                    List<String> parts = new ArrayList<>();
                    for (List<String> part : topic.getValue()) parts.add(strings(part));
                    shape.add("\"" + topic.getKey() + "\":[" + String.join(",", parts) + "]");
                }
                System.out.println("{\"assignor\":\"" + name + "\",\"topics\":{" + String.join(",", shape) + "},\"members\":["
                    + String.join(",", lines) + "],\"assigned\":{" + String.join(",", results) + "}}");
            }
        }
    }

    static ConsumerPartitionAssignor make(String name) {
        switch (name) {
            case "range": return new RangeAssignor();
            case "roundrobin": return new RoundRobinAssignor();
            case "sticky": return new StickyAssignor();
            default: return new CooperativeStickyAssignor();
        }
    }

    static List<List<String>> partitions(boolean racks) {
        List<List<String>> partitions = new ArrayList<>();
        int count = random.nextInt(4) == 0 ? 3 : 1 + random.nextInt(9);
        for (int p = 0; p < count; p++) {
            List<String> on = new ArrayList<>();
            for (int r = 0; r < 2; r++) on.add(racks ? "rack" + random.nextInt(3) : null);
            partitions.add(on);
        }
        return partitions;
    }

    static void join(int m, Collection<String> topics, boolean uniform, boolean racks, Map<String, List<String>> members,
                     Map<String, String> instances, Map<String, String> rackOf) {
        String id = "consumer-" + Integer.toString(random.nextInt(100000), 36) + "-" + m;
        List<String> mine = new ArrayList<>();
        for (String topic : topics) if (uniform || random.nextInt(3) > 0) mine.add(topic);
        if (mine.isEmpty()) mine.add(topics.iterator().next());
        members.put(id, mine);
        if (random.nextInt(5) == 0) instances.put(id, "instance" + m);
        if (racks && random.nextInt(8) > 0) rackOf.put(id, "rack" + random.nextInt(3));
    }

    static Cluster cluster(Map<String, List<List<String>>> topics) {
        List<PartitionInfo> infos = new ArrayList<>();
        List<Node> nodes = new ArrayList<>();
        for (var topic : topics.entrySet()) {
            int p = 0;
            for (List<String> on : topic.getValue()) {
                Node[] replicas = new Node[on.size()];
                for (int r = 0; r < on.size(); r++) {
                    replicas[r] = new Node(nodes.size(), "h", 1, on.get(r));
                    nodes.add(replicas[r]);
                }
                infos.add(new PartitionInfo(topic.getKey(), p++, replicas[0], replicas, replicas));
            }
        }
        return new Cluster("c", nodes, infos, Set.of(), Set.of());
    }

    static String pick(Collection<String> from) {
        return new ArrayList<>(from).get(random.nextInt(from.size()));
    }

    static String string(String text) {
        return text == null ? "null" : "\"" + text + "\"";
    }

    static String strings(List<String> texts) {
        List<String> quoted = new ArrayList<>();
        for (String text : texts) quoted.add(string(text));
        return "[" + String.join(",", quoted) + "]";
    }

    static String places(List<TopicPartition> partitions) {
        List<String> quoted = new ArrayList<>();
        for (TopicPartition one : partitions) quoted.add("\"" + one.topic() + "-" + one.partition() + "\"");
        return "[" + String.join(",", quoted) + "]";
    }
}
