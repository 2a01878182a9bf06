// The scenarios of ../../scenarios.ts through the Java client (3.9 and 4.x share this source).
// Arguments: bootstrap address, run id, scenario names with commas. With "member" first it is the
// third member of a consumer group instead, which the group scenario kills.
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.function.BooleanSupplier;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.ListOffsetsResult;
import org.apache.kafka.clients.admin.LogDirDescription;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.OffsetAndTimestamp;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.InvalidConfigurationException;
import org.apache.kafka.common.errors.InvalidPartitionsException;
import org.apache.kafka.common.errors.InvalidReplicationFactorException;
import org.apache.kafka.common.errors.OffsetOutOfRangeException;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class InteropDriver {
    static String bootstrap;
    static String runId;

    public static void main(String[] args) throws Exception {
        if (args[0].equals("member")) {
            bootstrap = args[1];
            member(args[2], args[3]);
            return;
        }
        bootstrap = args[0];
        runId = args[1];
        for (String scenario : args[2].split(",")) {
            say("@begin " + scenario);
            try {
                String absent = run(scenario);
                say("@result " + scenario + (absent == null ? " ok" : " na " + absent));
            } catch (Throwable error) {
                Throwable cause = error instanceof ExecutionException ? error.getCause() : error;
                say("@result " + scenario + " fail " + oneLine(cause));
                if (System.getenv("INTEROP_TRACE") != null) error.printStackTrace();
            }
        }
        System.exit(0);
    }

    static String run(String scenario) throws Exception {
        String topic = runId + "-" + scenario;
        if (scenario.startsWith("produce-")) {
            produce(topic, scenario.substring("produce-".length()));
            return null;
        }
        switch (scenario) {
            case "create-topic": createTopic(topic); return null;
            case "consume-start": consumeFrom(topic, 0); return null;
            case "consume-offset": consumeFrom(topic, 42); return null;
            case "consume-time": consumeFromTime(topic); return null;
            case "group-of-three": groupOfThree(topic); return null;
            case "group-kill": groupAcrossKill(topic); return null;
            case "commit-resume": commitAndResume(topic); return null;
            case "headers": headers(topic); return null;
            case "nulls-and-tombstones": nulls(topic); return null;
            case "message-1mb": largeMessage(topic); return null;
            case "message-too-large": tooLarge(topic); return null;
            case "idempotent-kill": idempotentAcross(topic, "kill"); return null;
            case "idempotent-restart": idempotentAcross(topic, "restart"); return null;
            case "delete-records": deleteRecords(topic); return null;
            case "admin-configs": configs(topic); return null;
            case "admin-partitions": partitions(topic); return null;
            case "admin-groups": groups(topic); return null;
            case "admin-cluster": cluster(topic); return null;
            case "admin-offsets": listOffsets(topic); return null;
            case "delete-topic": deleteTopic(topic); return null;
            default: return "a scenario of the command-line tools";
        }
    }

    static void createTopic(String topic) throws Exception {
        try (Admin admin = admin()) {
            create(admin, topic, 3);
            TopicDescription description = admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic);
            check(description.partitions().size() == 3, "three partitions, got " + description);
            check(admin.listTopics().names().get().contains(topic), "the topic is listed");
            refused(TopicExistsException.class, admin.createTopics(List.of(new NewTopic(topic, 3, (short) 1))).all());
            refused(InvalidPartitionsException.class,
                admin.createTopics(List.of(new NewTopic(topic + "-zero", 0, (short) 1))).all());
            refused(InvalidReplicationFactorException.class,
                admin.createTopics(List.of(new NewTopic(topic + "-five", 1, (short) 5))).all());
        }
    }

    static void produce(String topic, String compression) throws Exception {
        create(topic, 1);
        List<String> sent = new ArrayList<>();
        for (String acks : List.of("1", "all", "0")) {
            try (KafkaProducer<byte[], byte[]> producer = producer(Map.of("acks", acks, "compression.type", compression,
                    "enable.idempotence", "false", "linger.ms", "5"))) {
                List<Future<RecordMetadata>> answers = new ArrayList<>();
                int base = sent.size();
                for (int i = 0; i < 200; i++) {
                    String value = text(sent.size(), 1000);
                    sent.add(value);
                    answers.add(producer.send(record(topic, "key " + i, value)));
                }
                producer.flush();
                for (int i = 0; i < answers.size() && !acks.equals("0"); i++)
                    check(answers.get(i).get().offset() == base + i, "offset " + (base + i) + " acknowledged, got " + answers.get(i).get());
            }
        }
        checkValues(sent, readFrom(topic, 0, sent.size()));
    }

    static void consumeFrom(String topic, int offset) throws Exception {
        List<String> sent = produceTimed(topic, 100);
        checkValues(sent.subList(offset, 100), readFrom(topic, offset, 100 - offset));
    }

    static void consumeFromTime(String topic) throws Exception {
        List<String> sent = produceTimed(topic, 100);
        TopicPartition partition = new TopicPartition(topic, 0);
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(null)) {
            OffsetAndTimestamp found = consumer.offsetsForTimes(Map.of(partition, timeBase + 42_000 - 500)).get(partition);
            check(found != null && found.offset() == 42 && found.timestamp() == timeBase + 42_000, "offset 42, got " + found);
            check(consumer.offsetsForTimes(Map.of(partition, timeBase + 1_000_000)).get(partition) == null, "no later offset");
            checkValues(sent.subList((int) found.offset(), 100), readFrom(topic, found.offset(), 58));
        }
    }

    static void groupOfThree(String topic) throws Exception {
        create(topic, 6);
        String group = topic + "-group";
        Process third = new ProcessBuilder(ProcessHandle.current().info().command().get(), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-cp", System.getProperty("java.class.path"), "InteropDriver",
            "member", bootstrap, topic, group).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        Member first = new Member(topic, group, false);
        Member second = new Member(topic, group, false);
        try {
            await("two partitions each of three members", 40, () -> first.owned.size() == 2 && second.owned.size() == 2);
            third.destroyForcibly().waitFor();
            await("three partitions each of the two left", 40, () -> first.owned.size() == 3 && second.owned.size() == 3);
            Set<String> sent = new HashSet<>();
            try (KafkaProducer<byte[], byte[]> producer = producer(Map.of())) {
                for (int i = 0; i < 60; i++) {
                    producer.send(new ProducerRecord<>(topic, i % 6, null, bytes("message " + i)));
                    sent.add("message " + i);
                }
            }
            await("sixty messages", 20, () -> first.values.size() + second.values.size() >= 60);
            List<String> got = new ArrayList<>(first.values);
            got.addAll(second.values);
            check(got.size() == 60 && new HashSet<>(got).equals(sent), "each message once, got " + got.size());
        } finally {
            third.destroyForcibly();
            first.end();
            second.end();
        }
    }

    static void groupAcrossKill(String topic) throws Exception {
        create(topic, 2);
        String group = topic + "-group";
        Member first = new Member(topic, group, true);
        Member second = new Member(topic, group, true);
        try (KafkaProducer<byte[], byte[]> producer = producer(Map.of("acks", "all")); Admin admin = admin()) {
            BooleanSupplier oneEach = () -> first.owned.size() == 1 && second.owned.size() == 1;
            await("a partition each of two members", 40, oneEach);
            for (int i = 0; i < 200; i++) {
                if (i == 100) {
                    producer.flush();
                    await("a hundred messages committed", 20, () -> first.acknowledged() + second.acknowledged() == 100);
                    say("@broker kill");
                }
                if (i == 150) {
                    check(System.in.read() == '\n', "the broker is back");
                    Map<TopicPartition, Long> acknowledged = new HashMap<>(first.committed);
                    acknowledged.putAll(second.committed);
                    Map<TopicPartition, OffsetAndMetadata> kept = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
                    acknowledged.forEach((partition, offset) ->
                        check(kept.get(partition).offset() >= offset, partition + " committed up to " + offset + ", got " + kept));
                }
                producer.send(new ProducerRecord<>(topic, i % 2, null, bytes("message " + i)));
            }
            producer.flush();
            await("two hundred messages committed", 40, () -> first.acknowledged() + second.acknowledged() == 200);
            Set<String> got = new HashSet<>(first.values);
            got.addAll(second.values);
            check(got.size() == 200, "two hundred messages, got " + got.size());
            await("still a partition each", 20, oneEach);
        } finally {
            first.end();
            second.end();
        }
    }

    /** A member of a group on a thread of its own. */
    static class Member implements ConsumerRebalanceListener {
        final Set<TopicPartition> owned = Collections.synchronizedSet(new HashSet<>());
        final ConcurrentLinkedQueue<String> values = new ConcurrentLinkedQueue<>();
        /** What its commits were acknowledged for. */
        final Map<TopicPartition, Long> committed = new ConcurrentHashMap<>();
        final Thread thread;
        volatile boolean ending;

        Member(String topic, String group, boolean commits) {
            thread = new Thread(() -> {
                try (KafkaConsumer<byte[], byte[]> consumer = consumer(group)) {
                    consumer.subscribe(List.of(topic), this);
                    while (!ending) {
                        ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(200));
                        for (ConsumerRecord<byte[], byte[]> record : records) values.add(string(record.value()));
                        if (commits && !records.isEmpty()) commit(consumer, records);
                    }
                }
            });
            thread.start();
        }

        void commit(KafkaConsumer<byte[], byte[]> consumer, ConsumerRecords<byte[], byte[]> records) {
            try {
                consumer.commitSync();
            } catch (CommitFailedException | RebalanceInProgressException moved) {
                return;
            }
            for (ConsumerRecord<byte[], byte[]> record : records)
                committed.put(new TopicPartition(record.topic(), record.partition()), record.offset() + 1);
        }

        long acknowledged() {
            return committed.values().stream().mapToLong(Long::longValue).sum();
        }

        public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
            owned.addAll(partitions);
        }

        public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
            owned.removeAll(partitions);
        }

        void end() throws InterruptedException {
            ending = true;
            thread.join();
        }
    }

    static void member(String topic, String group) throws InterruptedException {
        new Member(topic, group, false).thread.join();
    }

    static void commitAndResume(String topic) throws Exception {
        List<String> sent = produceTimed(topic, 100);
        TopicPartition partition = new TopicPartition(topic, 0);
        String group = topic + "-group";
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(group)) {
            consumer.subscribe(List.of(topic));
            checkValues(sent.subList(0, 30), poll(consumer, 30));
            consumer.commitSync(Map.of(partition, new OffsetAndMetadata(30, "thirty")));
        }
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(group)) {
            consumer.subscribe(List.of(topic));
            checkValues(sent.subList(30, 100), poll(consumer, 70));
            OffsetAndMetadata committed = consumer.committed(Set.of(partition)).get(partition);
            check(committed.offset() == 30 && committed.metadata().equals("thirty"), "committed 30, got " + committed);
        }
    }

    static void headers(String topic) throws Exception {
        create(topic, 1);
        try (KafkaProducer<byte[], byte[]> producer = producer(Map.of())) {
            ProducerRecord<byte[], byte[]> record = record(topic, "k", "v");
            record.headers().add("a", bytes("1")).add("a", bytes("2")).add("empty", bytes("")).add("null", null);
            producer.send(record).get();
        }
        List<String> got = new ArrayList<>();
        for (Header header : readFrom(topic, 0, 1).get(0).headers()) got.add(header.key() + "=" + string(header.value()));
        check(got.equals(List.of("a=1", "a=2", "empty=", "null=null")), "four headers in order, got " + got);
    }

    static void nulls(String topic) throws Exception {
        create(topic, 1);
        List<String> sent = List.of("null=x", "k=null", "=", "null=null");
        try (KafkaProducer<byte[], byte[]> producer = producer(Map.of())) {
            producer.send(record(topic, null, "x"));
            producer.send(record(topic, "k", null));
            producer.send(record(topic, "", ""));
            producer.send(record(topic, null, null)).get();
        }
        List<String> got = new ArrayList<>();
        for (ConsumerRecord<byte[], byte[]> record : readFrom(topic, 0, 4)) got.add(string(record.key()) + "=" + string(record.value()));
        check(got.equals(sent), sent + ", got " + got);
    }

    static void largeMessage(String topic) throws Exception {
        create(topic, 1);
        String value = text(1, 1_000_000);
        try (KafkaProducer<byte[], byte[]> producer = producer(Map.of("max.request.size", "4000000"))) {
            producer.send(record(topic, null, value)).get();
        }
        checkValues(List.of(value), readFrom(topic, 0, 1));
    }

    static void tooLarge(String topic) throws Exception {
        create(topic, 1);
        try (KafkaProducer<byte[], byte[]> producer = producer(Map.of("max.request.size", "4000000"))) {
            refused(RecordTooLargeException.class, producer.send(record(topic, null, text(1, 1_100_000))));
            check(producer.send(record(topic, null, "after")).get().offset() == 0, "the next message has offset 0");
        }
    }

    static void idempotentAcross(String topic, String how) throws Exception {
        create(topic, 1);
        List<String> sent = new ArrayList<>();
        List<Future<RecordMetadata>> answers = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer = producer(Map.of("enable.idempotence", "true", "acks", "all"))) {
            for (int i = 0; i < 3000; i++) {
                if (i == 1000) {
                    answers.get(500).get();
                    say("@broker " + how);
                }
                if (i == 2000) check(System.in.read() == '\n', "the broker is back");
                sent.add("message " + i);
                answers.add(producer.send(record(topic, null, "message " + i)));
            }
            for (Future<RecordMetadata> answer : answers) answer.get();
        }
        checkValues(sent, readFrom(topic, 0, 3000));
        checkEnd(topic, 3000);
    }

    static void deleteRecords(String topic) throws Exception {
        List<String> sent = produceTimed(topic, 50);
        TopicPartition partition = new TopicPartition(topic, 0);
        try (Admin admin = admin()) {
            long low = admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(20))).lowWatermarks().get(partition).get().lowWatermark();
            check(low == 20, "low watermark 20, got " + low);
            long start = admin.listOffsets(Map.of(partition, OffsetSpec.earliest())).partitionResult(partition).get().offset();
            check(start == 20, "earliest offset 20, got " + start);
            refused(OffsetOutOfRangeException.class, admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(1000))).all());
            checkValues(sent.subList(20, 50), readFrom(topic, 0, 30));
            admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(-1))).all().get();
            start = admin.listOffsets(Map.of(partition, OffsetSpec.earliest())).partitionResult(partition).get().offset();
            check(start == 50, "earliest offset 50 after deleting all, got " + start);
        }
    }

    static void configs(String topic) throws Exception {
        try (Admin admin = admin()) {
            admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1).configs(Map.of("max.message.bytes", "2000000")))).all().get();
            ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
            check(entry(admin, resource, "max.message.bytes").value().equals("2000000"), "the setting given at creation");
            alter(admin, resource, "retention.ms", "12345", AlterConfigOp.OpType.SET).get();
            ConfigEntry set = entry(admin, resource, "retention.ms");
            check(set.value().equals("12345") && set.source() == ConfigEntry.ConfigSource.DYNAMIC_TOPIC_CONFIG, "retention.ms 12345, got " + set);
            alter(admin, resource, "retention.ms", null, AlterConfigOp.OpType.DELETE).get();
            ConfigEntry unset = entry(admin, resource, "retention.ms");
            check(unset.value().equals("604800000") && unset.isDefault(), "retention.ms of a week again, got " + unset);
            alter(admin, resource, "cleanup.policy", "compact", AlterConfigOp.OpType.APPEND).get();
            check(entry(admin, resource, "cleanup.policy").value().equals("delete,compact"), "cleanup.policy appended, got " + entry(admin, resource, "cleanup.policy"));
            refused(InvalidConfigurationException.class, alter(admin, resource, "retention.ms", "soon", AlterConfigOp.OpType.SET));
            refused(InvalidConfigurationException.class, alter(admin, resource, "no.such.setting", "1", AlterConfigOp.OpType.SET));
            ConfigResource broker = new ConfigResource(ConfigResource.Type.BROKER, String.valueOf(admin.describeCluster().nodes().get().iterator().next().id()));
            check(entry(admin, broker, "num.network.threads") != null, "the broker's settings");
            alter(admin, broker, "log.retention.ms", "7654321", AlterConfigOp.OpType.SET).get();
            await("the broker's dynamic setting", 10, () -> "7654321".equals(entry(admin, broker, "log.retention.ms").value()));
            alter(admin, broker, "log.retention.ms", null, AlterConfigOp.OpType.DELETE).get();
        }
    }

    static KafkaFuture<Void> alter(Admin admin, ConfigResource resource, String name, String value, AlterConfigOp.OpType type) {
        return admin.incrementalAlterConfigs(Map.of(resource, List.of(new AlterConfigOp(new ConfigEntry(name, value), type)))).all();
    }

    static ConfigEntry entry(Admin admin, ConfigResource resource, String name) {
        try {
            Config config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
            return config.get(name);
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
    }

    static void partitions(String topic) throws Exception {
        create(topic, 2);
        try (Admin admin = admin()) {
            admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(4))).all().get();
            await("four partitions", 10, () -> {
                try {
                    return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size() == 4;
                } catch (Exception error) {
                    return false;
                }
            });
            refused(InvalidPartitionsException.class, admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(4))).all());
            refused(InvalidPartitionsException.class, admin.createPartitions(Map.of(topic, NewPartitions.increaseTo(1))).all());
            try (KafkaProducer<byte[], byte[]> producer = producer(Map.of())) {
                check(producer.send(new ProducerRecord<>(topic, 3, null, bytes("x"))).get().offset() == 0, "the new partition takes messages");
            }
        }
    }

    static void groups(String topic) throws Exception {
        produceTimed(topic, 10);
        TopicPartition partition = new TopicPartition(topic, 0);
        String group = topic + "-group";
        try (Admin admin = admin()) {
            try (KafkaConsumer<byte[], byte[]> consumer = consumer(group)) {
                consumer.subscribe(List.of(topic));
                poll(consumer, 10);
                consumer.commitSync();
                ConsumerGroupDescription live = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
                check(live.toString().contains("tate=Stable") && live.members().size() == 1
                    && live.members().iterator().next().assignment().topicPartitions().equals(Set.of(partition)), "one member with one partition, got " + live);
            }
            check(admin.listConsumerGroups().all().get().stream().anyMatch(listing -> listing.groupId().equals(group)), "the group is listed");
            ConsumerGroupDescription empty = admin.describeConsumerGroups(List.of(group)).all().get().get(group);
            check(empty.toString().contains("tate=Empty") && empty.members().isEmpty(), "an empty group, got " + empty);
            check(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(partition).offset() == 10, "committed 10");
            admin.alterConsumerGroupOffsets(group, Map.of(partition, new OffsetAndMetadata(3))).all().get();
            check(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(partition).offset() == 3, "offset reset to 3");
            admin.deleteConsumerGroupOffsets(group, Set.of(partition)).all().get();
            check(admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().get(partition) == null, "offset deleted");
            admin.alterConsumerGroupOffsets(group, Map.of(partition, new OffsetAndMetadata(5))).all().get();
            admin.deleteConsumerGroups(List.of(group)).all().get();
            refused(GroupIdNotFoundException.class, admin.deleteConsumerGroups(List.of(group)).all());
        }
    }

    static void cluster(String topic) throws Exception {
        produceTimed(topic, 10);
        try (Admin admin = admin()) {
            var cluster = admin.describeCluster();
            check(cluster.nodes().get().size() == 1 && cluster.controller().get() != null && !cluster.clusterId().get().isEmpty(), "one broker, a controller, an id");
            int broker = cluster.nodes().get().iterator().next().id();
            Map<String, LogDirDescription> directories = admin.describeLogDirs(List.of(broker)).allDescriptions().get().get(broker);
            boolean found = directories.values().stream().anyMatch(directory ->
                directory.replicaInfos().getOrDefault(new TopicPartition(topic, 0), null) != null
                    && directory.replicaInfos().get(new TopicPartition(topic, 0)).size() > 0);
            check(found, "the partition's size in " + directories.keySet());
            check(admin.describeFeatures().featureMetadata().get() != null, "features");
            check(!admin.describeProducers(List.of(new TopicPartition(topic, 0))).all().get().isEmpty(), "producers described");
            check(admin.listPartitionReassignments().reassignments().get().isEmpty(), "no reassignment under way");
        }
    }

    static void listOffsets(String topic) throws Exception {
        produceTimed(topic, 20);
        TopicPartition partition = new TopicPartition(topic, 0);
        try (Admin admin = admin()) {
            check(offset(admin, partition, OffsetSpec.earliest()).offset() == 0, "earliest");
            check(offset(admin, partition, OffsetSpec.latest()).offset() == 20, "latest");
            check(offset(admin, partition, OffsetSpec.maxTimestamp()).offset() == 19, "of the greatest timestamp");
            check(offset(admin, partition, OffsetSpec.forTimestamp(timeBase + 7_000)).offset() == 7, "of a timestamp");
            check(offset(admin, partition, OffsetSpec.forTimestamp(timeBase + 7_000_000)).offset() == -1, "of a later timestamp");
        }
    }

    static ListOffsetsResult.ListOffsetsResultInfo offset(Admin admin, TopicPartition partition, OffsetSpec spec) throws Exception {
        return admin.listOffsets(Map.of(partition, spec)).partitionResult(partition).get();
    }

    static void deleteTopic(String topic) throws Exception {
        produceTimed(topic, 10);
        try (Admin admin = admin()) {
            admin.deleteTopics(List.of(topic)).all().get();
            await("the topic is gone", 20, () -> {
                try {
                    return !admin.listTopics().names().get().contains(topic);
                } catch (Exception error) {
                    return false;
                }
            });
            refused(UnknownTopicOrPartitionException.class, admin.deleteTopics(List.of(topic)).all());
            await("the topic can be created again", 20, () -> {
                try {
                    create(admin, topic, 1);
                    return true;
                } catch (Exception error) {
                    return false;
                }
            });
            try (KafkaProducer<byte[], byte[]> producer = producer(Map.of())) {
                check(producer.send(record(topic, null, "x")).get().offset() == 0, "offsets start at 0 again");
            }
        }
    }

    // Below: what the scenarios are made of.

    static final long timeBase = System.currentTimeMillis() - 3_600_000;

    static List<String> produceTimed(String topic, int count) throws Exception {
        create(topic, 1);
        List<String> sent = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer = producer(Map.of())) {
            for (int i = 0; i < count; i++) {
                sent.add("message " + i);
                producer.send(new ProducerRecord<>(topic, 0, timeBase + i * 1000L, bytes("key " + i), bytes("message " + i)));
                if (i % 10 == 9) producer.flush();
            }
        }
        return sent;
    }

    static void create(String topic, int partitions) throws Exception {
        try (Admin admin = admin()) {
            create(admin, topic, partitions);
        }
    }

    static void create(Admin admin, String topic, int partitions) throws Exception {
        admin.createTopics(List.of(new NewTopic(topic, partitions, (short) 1))).all().get();
        await("the new topic in metadata", 10, () -> {
            try {
                return admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic).partitions().size() == partitions;
            } catch (Exception error) {
                return false;
            }
        });
    }

    static Admin admin() {
        return Admin.create(Map.of("bootstrap.servers", bootstrap, "default.api.timeout.ms", "30000", "request.timeout.ms", "15000"));
    }

    static KafkaProducer<byte[], byte[]> producer(Map<String, String> settings) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("delivery.timeout.ms", "60000");
        properties.put("request.timeout.ms", "15000");
        properties.putAll(settings);
        return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    }

    static KafkaConsumer<byte[], byte[]> consumer(String group) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("auto.offset.reset", "earliest");
        properties.put("enable.auto.commit", "false");
        properties.put("session.timeout.ms", "3000");
        properties.put("heartbeat.interval.ms", "500");
        properties.put("max.poll.records", "10");
        properties.put("default.api.timeout.ms", "30000");
        if (group != null) properties.put("group.id", group);
        return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    static List<ConsumerRecord<byte[], byte[]>> readFrom(String topic, long offset, int count) {
        TopicPartition partition = new TopicPartition(topic, 0);
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(null)) {
            consumer.assign(List.of(partition));
            if (offset == 0) consumer.seekToBeginning(List.of(partition));
            else consumer.seek(partition, offset);
            return poll(consumer, count);
        }
    }

    static void checkEnd(String topic, long offset) {
        TopicPartition partition = new TopicPartition(topic, 0);
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(null)) {
            long end = consumer.endOffsets(List.of(partition)).get(partition);
            check(end == offset, "end offset " + offset + ", got " + end);
        }
    }

    static List<ConsumerRecord<byte[], byte[]>> poll(KafkaConsumer<byte[], byte[]> consumer, int count) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        long deadline = System.currentTimeMillis() + 30_000;
        while (records.size() < count && System.currentTimeMillis() < deadline)
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) if (records.size() < count) records.add(record);
        check(records.size() == count, count + " messages, got " + records.size());
        return records;
    }

    static void checkValues(List<String> expected, List<ConsumerRecord<byte[], byte[]>> records) {
        for (int i = 0; i < expected.size(); i++) {
            String got = string(records.get(i).value());
            check(expected.get(i).equals(got), "message " + i + " is " + shorten(expected.get(i)) + ", got " + shorten(got));
        }
    }

    static ProducerRecord<byte[], byte[]> record(String topic, String key, String value) {
        return new ProducerRecord<>(topic, bytes(key), bytes(value));
    }

    static String text(int seed, int size) {
        Random random = new Random(seed);
        StringBuilder text = new StringBuilder(size);
        while (text.length() < size) text.append(Integer.toString(random.nextInt(1000))).append(' ');
        return text.substring(0, size);
    }

    static void refused(Class<? extends Throwable> expected, Future<?> answer) throws Exception {
        try {
            answer.get();
        } catch (ExecutionException error) {
            check(expected.isInstance(error.getCause()), expected.getSimpleName() + ", got " + error.getCause());
            return;
        }
        check(false, expected.getSimpleName() + ", got success");
    }

    static void await(String what, int seconds, BooleanSupplier condition) throws InterruptedException {
        long deadline = System.currentTimeMillis() + seconds * 1000L;
        while (!condition.getAsBoolean()) {
            check(System.currentTimeMillis() < deadline, what + " within " + seconds + " s");
            Thread.sleep(50);
        }
    }

    static void check(boolean condition, String expectation) {
        if (!condition) throw new AssertionError("expected " + expectation);
    }

    static byte[] bytes(String text) {
        return text == null ? null : text.getBytes(StandardCharsets.UTF_8);
    }

    static String string(byte[] bytes) {
        return bytes == null ? "null" : new String(bytes, StandardCharsets.UTF_8);
    }

    static String shorten(String text) {
        return text.length() > 60 ? text.substring(0, 60) + "…" : text;
    }

    static String oneLine(Throwable error) {
        return error.toString().replace('\n', ' ');
    }

    static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
