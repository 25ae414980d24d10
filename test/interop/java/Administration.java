import java.util.*;
import java.util.concurrent.*;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.*;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.*;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.clients.producer.*;

/** Everything that today's Java admin client asks of one node: {@code Administration BOOTSTRAP}. */
public final class Administration {
    private static String bootstrap;
    private static Admin admin;

    public static void main(String[] args) {
        bootstrap = args[0];
        admin = Admin.create(Map.of("bootstrap.servers", bootstrap, "request.timeout.ms", 30000, "default.api.timeout.ms", 60000));
        Cases.run("describe cluster", Administration::cluster);
        Cases.run("create topics: partitions, configurations, assignments; errors", Administration::createTopics);
        Cases.run("create topics, validate only", Administration::validateOnly);
        Cases.run("list and describe topics, by name and by id", Administration::describeTopics);
        Cases.run("describe topics in pages", Administration::pages);
        Cases.run("create partitions", Administration::createPartitions);
        Cases.run("describe topic configurations", Administration::describeConfigs);
        Cases.run("alter topic configurations by increments", Administration::alterConfigs);
        Cases.run("alter broker configurations, of one and of all", Administration::alterBrokerConfigs);
        Cases.run("list configuration resources", Administration::configResources);
        Cases.run("list offsets: earliest, latest, largest time, by time", Administration::listOffsets);
        Cases.run("delete records", Administration::deleteRecords);
        Cases.run("describe log directories", Administration::logDirs);
        Cases.run("describe producers", Administration::producers);
        Cases.run("describe features", Administration::features);
        Cases.run("describe the metadata quorum", Administration::quorum);
        Cases.run("a group with members: list, describe, not deleted", Administration::liveGroup);
        Cases.run("list groups by state and type", Administration::listGroups);
        Cases.run("an empty group: alter, list and delete offsets, delete it", Administration::emptyGroup);
        Cases.run("remove members of a group", Administration::removeMembers);
        Cases.run("partitions are moved and leaders elected, where there is anything to do", Administration::replicas);
        Cases.run("what this release lacks is refused at once", Administration::absent);
        Cases.run("delete topics, by name and by id", Administration::deleteTopics);
        admin.close();
        Cases.done();
    }

    private static void cluster() throws Exception {
        DescribeClusterResult cluster = admin.describeCluster();
        Cases.equal(cluster.nodes().get().size(), 1);
        Node node = cluster.nodes().get().iterator().next();
        Cases.equal(node.id() + "@" + node.host() + ":" + node.port(), "1@" + bootstrap);
        Cases.equal(cluster.controller().get().id(), 1);
        Cases.equal(cluster.clusterId().get().length(), 22);
        Cases.equal(cluster.authorizedOperations().get(), null);
    }

    private static void createTopics() throws Exception {
        CreateTopicsResult created = admin.createTopics(List.of(
            new NewTopic("a-plain", 4, (short) 1).configs(Map.of("retention.ms", "1234567", "min.insync.replicas", "1")),
            new NewTopic("a-assigned", Map.of(0, List.of(1), 1, List.of(1))),
            new NewTopic("a-default", Optional.empty(), Optional.empty())));
        created.all().get();
        Cases.equal(created.numPartitions("a-plain").get(), 4);
        Cases.equal(created.replicationFactor("a-plain").get(), 1);
        Cases.equal(created.config("a-plain").get().get("retention.ms").value(), "1234567");
        Cases.equal(created.numPartitions("a-assigned").get(), 2);
        Cases.equal(created.numPartitions("a-default").get(), 3);
        Cases.holds(!created.topicId("a-plain").get().equals(Uuid.ZERO_UUID), "an id");
        Cases.fails(TopicExistsException.class, () -> admin.createTopics(List.of(new NewTopic("a-plain", 1, (short) 1))).all().get());
        Cases.fails(InvalidReplicationFactorException.class, () -> admin.createTopics(List.of(new NewTopic("a-x", 1, (short) 2))).all().get());
        Cases.fails(InvalidPartitionsException.class, () -> admin.createTopics(List.of(new NewTopic("a-x", 0, (short) 1))).all().get());
        Cases.fails(InvalidTopicException.class, () -> admin.createTopics(List.of(new NewTopic("a/x", 1, (short) 1))).all().get());
        Cases.fails(InvalidConfigurationException.class, () -> admin.createTopics(List.of(new NewTopic("a-x", 1, (short) 1).configs(Map.of("retention.ms", "soon")))).all().get());
        Cases.fails(InvalidConfigurationException.class, () -> admin.createTopics(List.of(new NewTopic("a-x", 1, (short) 1).configs(Map.of("no.such.key", "1")))).all().get());
        Cases.fails(InvalidReplicaAssignmentException.class, () -> admin.createTopics(List.of(new NewTopic("a-x", Map.of(0, List.of(7))))).all().get());
    }

    private static void validateOnly() throws Exception {
        admin.createTopics(List.of(new NewTopic("a-validated", 1, (short) 1)), new CreateTopicsOptions().validateOnly(true)).all().get();
        Cases.holds(!admin.listTopics().names().get().contains("a-validated"), "it was not created");
    }

    private static void describeTopics() throws Exception {
        Map<String, TopicListing> listed = admin.listTopics().namesToListings().get();
        Cases.holds(listed.keySet().containsAll(List.of("a-plain", "a-assigned", "a-default")), "all listed: " + listed.keySet());
        Uuid id = listed.get("a-plain").topicId();
        TopicDescription byName = admin.describeTopics(List.of("a-plain")).allTopicNames().get().get("a-plain");
        TopicDescription byId = admin.describeTopics(TopicCollection.ofTopicIds(List.of(id))).allTopicIds().get().get(id);
        Cases.equal(byName.topicId(), id);
        Cases.equal(byId.name(), "a-plain");
        Cases.equal(byName.partitions().size(), 4);
        Cases.equal(byName.isInternal(), false);
        TopicPartitionInfo partition = byName.partitions().get(3);
        Cases.equal(partition.leader().id() + " " + partition.replicas().size() + " " + partition.isr().size(), "1 1 1");
        Cases.fails(UnknownTopicOrPartitionException.class, () -> admin.describeTopics(List.of("a-none")).allTopicNames().get());
        Cases.fails(UnknownTopicIdException.class, () -> admin.describeTopics(TopicCollection.ofTopicIds(List.of(Uuid.randomUuid()))).allTopicIds().get());
    }

    private static void pages() throws Exception {
        DescribeTopicsOptions options = new DescribeTopicsOptions().partitionSizeLimitPerResponse(1);
        Map<String, TopicDescription> found = admin.describeTopics(TopicCollection.ofTopicNames(List.of("a-plain", "a-assigned")), options).allTopicNames().get();
        Cases.equal(found.get("a-plain").partitions().size(), 4);
        Cases.equal(found.get("a-assigned").partitions().size(), 2);
    }

    private static void createPartitions() throws Exception {
        admin.createPartitions(Map.of("a-assigned", NewPartitions.increaseTo(5, List.of(List.of(1), List.of(1), List.of(1))))).all().get();
        Cases.equal(admin.describeTopics(List.of("a-assigned")).allTopicNames().get().get("a-assigned").partitions().size(), 5);
        Cases.fails(InvalidPartitionsException.class, () -> admin.createPartitions(Map.of("a-assigned", NewPartitions.increaseTo(2))).all().get());
        Cases.fails(UnknownTopicOrPartitionException.class, () -> admin.createPartitions(Map.of("a-none", NewPartitions.increaseTo(2))).all().get());
    }

    private static ConfigResource topic(String name) {
        return new ConfigResource(ConfigResource.Type.TOPIC, name);
    }

    private static Config describe(ConfigResource resource) throws Exception {
        return admin.describeConfigs(List.of(resource), new DescribeConfigsOptions().includeSynonyms(true).includeDocumentation(true)).all().get().get(resource);
    }

    private static void describeConfigs() throws Exception {
        Config config = describe(topic("a-plain"));
        ConfigEntry retention = config.get("retention.ms");
        Cases.equal(retention.value() + " " + retention.source() + " " + retention.type(), "1234567 DYNAMIC_TOPIC_CONFIG LONG");
        Cases.equal(retention.synonyms().get(0).source(), ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG);
        List<ConfigEntry.ConfigSynonym> synonyms = config.get("segment.bytes").synonyms();
        Cases.holds(synonyms.stream().anyMatch(synonym -> synonym.name().equals("log.segment.bytes")), "synonyms: " + synonyms);
        Cases.equal(config.get("segment.bytes").value(), "1073741824");
        Cases.equal(config.get("cleanup.policy").source(), ConfigEntry.ConfigSource.DEFAULT_CONFIG);
        Config broker = describe(new ConfigResource(ConfigResource.Type.BROKER, "1"));
        Cases.equal(broker.get("num.partitions").value() + " " + broker.get("num.partitions").source(), "3 STATIC_BROKER_CONFIG");
        Cases.equal(broker.get("node.id").isReadOnly(), true);
        Cases.fails(UnknownTopicOrPartitionException.class, () -> describe(topic("a-none")));
    }

    private static void alter(ConfigResource resource, AlterConfigOp.OpType type, String key, String value) throws Exception {
        admin.incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(new ConfigEntry(key, value), type)))).all().get();
    }

    private static void alterConfigs() throws Exception {
        ConfigResource plain = topic("a-plain");
        alter(plain, AlterConfigOp.OpType.SET, "segment.bytes", "1048576");
        Cases.equal(describe(plain).get("segment.bytes").value(), "1048576");
        Cases.equal(describe(plain).get("retention.ms").value(), "1234567");
        alter(plain, AlterConfigOp.OpType.APPEND, "cleanup.policy", "compact");
        Cases.equal(describe(plain).get("cleanup.policy").value(), "delete,compact");
        alter(plain, AlterConfigOp.OpType.SUBTRACT, "cleanup.policy", "compact");
        Cases.equal(describe(plain).get("cleanup.policy").value(), "delete");
        alter(plain, AlterConfigOp.OpType.DELETE, "segment.bytes", null);
        Cases.equal(describe(plain).get("segment.bytes").value(), "1073741824");
        Cases.fails(InvalidConfigurationException.class, () -> alter(plain, AlterConfigOp.OpType.SET, "segment.bytes", "-5"));
        Cases.fails(InvalidConfigurationException.class, () -> alter(plain, AlterConfigOp.OpType.APPEND, "segment.bytes", "5"));
        Cases.fails(UnknownTopicOrPartitionException.class, () -> alter(topic("a-none"), AlterConfigOp.OpType.SET, "segment.bytes", "1048576"));
    }

    private static void alterBrokerConfigs() throws Exception {
        ConfigResource one = new ConfigResource(ConfigResource.Type.BROKER, "1");
        ConfigResource all = new ConfigResource(ConfigResource.Type.BROKER, "");
        alter(all, AlterConfigOp.OpType.SET, "log.retention.ms", "7654321");
        Cases.until("all", () -> "7654321".equals(describe(one).get("log.retention.ms").value()));
        Cases.equal(describe(one).get("log.retention.ms").source(), ConfigEntry.ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG);
        alter(one, AlterConfigOp.OpType.SET, "log.retention.ms", "7654322");
        Cases.until("one", () -> describe(one).get("log.retention.ms").source() == ConfigEntry.ConfigSource.DYNAMIC_BROKER_CONFIG);
        Cases.equal(describe(topic("a-default")).get("retention.ms").value(), "7654322");
        Cases.equal(describe(all).get("log.retention.ms").value(), "7654321");
        alter(one, AlterConfigOp.OpType.DELETE, "log.retention.ms", null);
        alter(all, AlterConfigOp.OpType.DELETE, "log.retention.ms", null);
        Cases.until("none", () -> describe(topic("a-default")).get("retention.ms").value().equals("604800000"));
        Cases.fails(InvalidRequestException.class, () -> alter(one, AlterConfigOp.OpType.SET, "log.dirs", "/elsewhere"));
    }

    private static void configResources() throws Exception {
        Collection<ConfigResource> resources = admin.listConfigResources(Set.of(ConfigResource.Type.TOPIC), new ListConfigResourcesOptions()).all().get();
        Cases.holds(resources.contains(topic("a-plain")), "the topic is there: " + resources);
        Cases.holds(admin.listConfigResources().all().get().contains(new ConfigResource(ConfigResource.Type.BROKER, "1")), "the broker is there");
    }

    private static void fill(String topic, int partition, int count) throws Exception {
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(Map.of("bootstrap.servers", bootstrap), new StringSerializer(), new StringSerializer())) {
            for (int i = 0; i < count; i++) producer.send(new ProducerRecord<>(topic, partition, 5000L + (i == count / 2 ? 100000 : i), "k", "v" + i)).get();
        }
    }

    private static long offset(String topic, int partition, OffsetSpec spec) throws Exception {
        TopicPartition where = new TopicPartition(topic, partition);
        return admin.listOffsets(Map.of(where, spec)).all().get().get(where).offset();
    }

    private static void listOffsets() throws Exception {
        fill("a-plain", 0, 100);
        Cases.equal(offset("a-plain", 0, OffsetSpec.earliest()), 0L);
        Cases.equal(offset("a-plain", 0, OffsetSpec.latest()), 100L);
        Cases.equal(offset("a-plain", 0, OffsetSpec.maxTimestamp()), 50L);
        Cases.equal(offset("a-plain", 0, OffsetSpec.forTimestamp(5010)), 10L);
        Cases.equal(offset("a-plain", 0, OffsetSpec.forTimestamp(999999)), -1L);
        Cases.equal(offset("a-plain", 0, OffsetSpec.earliestLocal()), 0L);
        Cases.equal(offset("a-plain", 0, OffsetSpec.latestTiered()), -1L);
        Cases.equal(offset("a-plain", 1, OffsetSpec.maxTimestamp()), -1L);
    }

    private static void deleteRecords() throws Exception {
        TopicPartition where = new TopicPartition("a-plain", 0);
        Cases.equal(admin.deleteRecords(Map.of(where, RecordsToDelete.beforeOffset(30))).lowWatermarks().get(where).get().lowWatermark(), 30L);
        Cases.equal(offset("a-plain", 0, OffsetSpec.earliest()), 30L);
        Cases.fails(org.apache.kafka.common.errors.OffsetOutOfRangeException.class, () -> admin.deleteRecords(Map.of(where, RecordsToDelete.beforeOffset(5000))).all().get());
        admin.deleteRecords(Map.of(where, RecordsToDelete.beforeOffset(-1))).all().get();
        Cases.equal(offset("a-plain", 0, OffsetSpec.earliest()), 100L);
    }

    private static void logDirs() throws Exception {
        Map<String, LogDirDescription> dirs = admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1);
        Cases.equal(dirs.size(), 1);
        LogDirDescription dir = dirs.values().iterator().next();
        Cases.equal(dir.error(), null);
        Cases.holds(dir.replicaInfos().get(new TopicPartition("a-plain", 0)).size() > 0, "a size");
        Cases.equal(dir.replicaInfos().get(new TopicPartition("a-plain", 0)).offsetLag(), 0L);
        Cases.holds(dir.totalBytes().getAsLong() > 0 && dir.usableBytes().getAsLong() > 0, "bytes of the volume");
    }

    private static void producers() throws Exception {
        fill("a-default", 0, 3);
        TopicPartition where = new TopicPartition("a-default", 0);
        List<ProducerState> states = admin.describeProducers(List.of(where)).partitionResult(where).get().activeProducers();
        Cases.equal(states.size(), 1);
        Cases.equal(states.get(0).lastSequence() + " " + states.get(0).producerEpoch() + " " + states.get(0).currentTransactionStartOffset(), "2 0 OptionalLong.empty");
    }

    private static void features() throws Exception {
        FeatureMetadata features = admin.describeFeatures().featureMetadata().get();
        Cases.holds(features.finalizedFeatures().get("metadata.version").maxVersionLevel() > 20, "metadata.version: " + features.finalizedFeatures());
        Cases.holds(features.supportedFeatures().containsKey("metadata.version"), "supported: " + features.supportedFeatures());
        Cases.holds(features.finalizedFeaturesEpoch().get() > 0, "an epoch");
    }

    private static void quorum() throws Exception {
        QuorumInfo quorum = admin.describeMetadataQuorum().quorumInfo().get();
        Cases.equal(quorum.leaderId(), 1);
        Cases.holds(quorum.leaderEpoch() > 0 && quorum.highWatermark() > 0, "an epoch and a high watermark");
        Cases.equal(quorum.voters().size() + " " + quorum.voters().get(0).replicaId(), "1 1");
        Cases.equal(quorum.voters().get(0).logEndOffset() >= quorum.highWatermark(), true);
    }

    private static KafkaConsumer<String, String> member(String group, String topic, String clientId) {
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "group.id", group, "client.id", clientId, "auto.offset.reset", "earliest", "enable.auto.commit", "false");
        KafkaConsumer<String, String> consumer = new KafkaConsumer<>(config, new StringDeserializer(), new StringDeserializer());
        consumer.subscribe(List.of(topic));
        return consumer;
    }

    private static void join(KafkaConsumer<String, String> consumer) throws Exception {
        Cases.until("an assignment", () -> {
            consumer.poll(java.time.Duration.ofMillis(50));
            return !consumer.assignment().isEmpty();
        });
    }

    private static void liveGroup() throws Exception {
        try (KafkaConsumer<String, String> consumer = member("a-live", "a-default", "the-client")) {
            join(consumer);
            consumer.commitSync(Map.of(new TopicPartition("a-default", 0), new OffsetAndMetadata(2)));
            ConsumerGroupDescription group = admin.describeConsumerGroups(List.of("a-live")).all().get().get("a-live");
            Cases.equal(group.groupState() + " " + group.type() + " " + group.partitionAssignor() + " " + group.members().size(), "Stable Classic range 1");
            MemberDescription found = group.members().iterator().next();
            Cases.equal(found.clientId() + " " + found.host() + " " + found.assignment().topicPartitions().size(), "the-client /127.0.0.1 3");
            Cases.equal(group.coordinator().id(), 1);
            Cases.fails(GroupNotEmptyException.class, () -> admin.deleteConsumerGroups(List.of("a-live")).all().get());
            Cases.fails(GroupSubscribedToTopicException.class, () -> admin.deleteConsumerGroupOffsets("a-live", Set.of(new TopicPartition("a-default", 0))).all().get());
            Cases.fails(UnknownMemberIdException.class, () -> admin.alterConsumerGroupOffsets("a-live", Map.of(new TopicPartition("a-default", 0), new OffsetAndMetadata(1))).all().get());
        }
    }

    private static void listGroups() throws Exception {
        try (KafkaConsumer<String, String> consumer = member("a-listed", "a-default", "c")) {
            join(consumer);
            Map<String, GroupListing> listed = admin.listGroups().all().get().stream().collect(Collectors.toMap(GroupListing::groupId, listing -> listing));
            Cases.equal(listed.get("a-listed").type() + " " + listed.get("a-listed").protocol() + " " + listed.get("a-listed").groupState(), "Optional[Classic] consumer Optional[Stable]");
            Cases.equal(listed.get("a-live").groupState(), Optional.of(GroupState.EMPTY));
            Set<String> empty = admin.listGroups(new ListGroupsOptions().inGroupStates(Set.of(GroupState.EMPTY))).all().get().stream().map(GroupListing::groupId).collect(Collectors.toSet());
            Cases.holds(empty.contains("a-live") && !empty.contains("a-listed"), "by state: " + empty);
            Cases.equal(admin.listGroups(new ListGroupsOptions().withTypes(Set.of(GroupType.SHARE))).all().get().size(), 0);
        }
    }

    private static void emptyGroup() throws Exception {
        TopicPartition where = new TopicPartition("a-default", 0);
        admin.alterConsumerGroupOffsets("a-empty", Map.of(where, new OffsetAndMetadata(1, "m"))).all().get();
        OffsetAndMetadata found = admin.listConsumerGroupOffsets("a-empty").partitionsToOffsetAndMetadata().get().get(where);
        Cases.equal(found.offset() + " " + found.metadata(), "1 m");
        Cases.equal(admin.listConsumerGroupOffsets(Map.of("a-empty", new ListConsumerGroupOffsetsSpec(), "a-live", new ListConsumerGroupOffsetsSpec())).all().get().get("a-live").get(where).offset(), 2L);
        admin.deleteConsumerGroupOffsets("a-empty", Set.of(where)).all().get();
        Cases.equal(admin.listConsumerGroupOffsets("a-empty").partitionsToOffsetAndMetadata().get().get(where), null);
        admin.alterConsumerGroupOffsets("a-empty", Map.of(where, new OffsetAndMetadata(1))).all().get();
        admin.deleteConsumerGroups(List.of("a-empty")).all().get();
        Cases.fails(GroupIdNotFoundException.class, () -> admin.deleteConsumerGroups(List.of("a-empty")).all().get());
        Cases.fails(GroupIdNotFoundException.class, () -> admin.describeConsumerGroups(List.of("a-empty")).all().get());
    }

    private static void removeMembers() throws Exception {
        try (KafkaConsumer<String, String> consumer = member("a-removed", "a-default", "c")) {
            join(consumer);
            admin.removeMembersFromConsumerGroup("a-removed", new RemoveMembersFromConsumerGroupOptions()).all().get();
            Cases.equal(admin.describeConsumerGroups(List.of("a-removed")).all().get().get("a-removed").groupState(), GroupState.EMPTY);
        }
    }

    private static void replicas() throws Exception {
        TopicPartition where = new TopicPartition("a-default", 0);
        Cases.fails(ElectionNotNeededException.class, () -> admin.electLeaders(ElectionType.PREFERRED, Set.of(where)).all().get());
        Cases.equal(admin.listPartitionReassignments().reassignments().get().size(), 0);
        admin.alterPartitionReassignments(Map.of(where, Optional.of(new NewPartitionReassignment(List.of(1))))).all().get();
        Cases.fails(NoReassignmentInProgressException.class, () -> admin.alterPartitionReassignments(Map.of(where, Optional.empty())).all().get());
        Cases.fails(InvalidReplicaAssignmentException.class, () -> admin.alterPartitionReassignments(Map.of(where, Optional.of(new NewPartitionReassignment(List.of(7))))).all().get());
    }

    private static void absent() throws Exception {
        Cases.fails(UnsupportedVersionException.class, () -> admin.describeUserScramCredentials().all().get());
        Cases.equal(admin.listTransactions().all().get().size(), 0);
    }

    private static void deleteTopics() throws Exception {
        Uuid id = admin.listTopics().namesToListings().get().get("a-assigned").topicId();
        admin.deleteTopics(TopicCollection.ofTopicIds(List.of(id))).all().get();
        admin.deleteTopics(List.of("a-plain")).all().get();
        Cases.until("they are gone", () -> {
            Set<String> left = admin.listTopics().names().get();
            return !left.contains("a-assigned") && !left.contains("a-plain") && left.contains("a-default");
        });
        Cases.fails(UnknownTopicOrPartitionException.class, () -> admin.deleteTopics(List.of("a-plain")).all().get());
        admin.createTopics(List.of(new NewTopic("a-plain", 1, (short) 1))).all().get();
        Cases.equal(offset("a-plain", 0, OffsetSpec.latest()), 0L);
        admin.deleteTopics(List.of("a-plain", "a-default")).all().get();
    }
}
