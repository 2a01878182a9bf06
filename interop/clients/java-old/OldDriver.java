// The scenarios of ../../scenarios.ts through the Java client of 0.9.0 (message format 0) and of
// 0.10.0 (message format 1). What those had no call for is reported as absent. Topics come into
// being by auto-creation. Arguments as in ../java/InteropDriver.java.
import java.nio.charset.StandardCharsets;
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
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class OldDriver {
    static String bootstrap;
    static String runId;

    public static void main(String[] args) throws Exception {
        if (args[0].equals("member")) {
            bootstrap = args[1];
            new Member(args[2], args[3], false).thread.join();
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
                say("@result " + scenario + " fail " + cause.toString().replace('\n', ' '));
                if (System.getenv("INTEROP_TRACE") != null) error.printStackTrace();
            }
        }
        System.exit(0);
    }

    static String run(String scenario) throws Exception {
        String topic = runId + "-" + scenario;
        switch (scenario) {
            case "create-topic": autoCreate(topic); return null;
            case "produce-none":
            case "produce-gzip":
            case "produce-snappy":
            case "produce-lz4": produce(topic, scenario.substring("produce-".length())); return null;
            case "consume-start": consumeFromStart(topic); return null;
            case "consume-offset": consumeFrom(topic, 42); return null;
            case "group-of-three": groupOfThree(topic); return null;
            case "group-kill": groupAcrossKill(topic); return null;
            case "commit-resume": commitAndResume(topic); return null;
            case "nulls-and-tombstones": nulls(topic); return null;
            case "message-1mb": largeMessage(topic); return null;
            case "message-too-large": tooLarge(topic); return null;
            case "perf-tools":
            case "verifiable-tools": return "a scenario of the command-line tools";
            case "admin-offsets": offsets(topic); return null;
            case "produce-zstd": return "zstd came with 2.1";
            case "headers": return "headers came with 0.11";
            case "idempotent-kill":
            case "idempotent-restart": return "idempotent producing came with 0.11";
            case "consume-time": return "finding offsets by time came with 0.10.1";
            default: return "administration came with 0.11";
        }
    }

    static void autoCreate(String topic) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = producer(Collections.<String, String>emptyMap())) {
            check(producer.partitionsFor(topic).size() == 1, "one partition, auto-created");
            check(producer.send(record(topic, null, "x")).get().offset() == 0, "the topic takes messages");
        }
        try (KafkaConsumer<byte[], byte[]> consumer = consumer("any")) {
            check(consumer.listTopics().containsKey(topic), "the topic is listed");
        }
    }

    static void produce(String topic, String compression) throws Exception {
        List<String> sent = new ArrayList<>();
        for (String acks : List.of("1", "all", "0")) {
            Map<String, String> settings = new HashMap<>();
            settings.put("acks", acks);
            settings.put("compression.type", compression);
            settings.put("linger.ms", "5");
            try (KafkaProducer<byte[], byte[]> producer = producer(settings)) {
                List<Future<RecordMetadata>> answers = new ArrayList<>();
                int base = sent.size();
                for (int i = 0; i < 200; i++) {
                    String value = text(sent.size(), 1000);
                    sent.add(value);
                    answers.add(producer.send(record(topic, "key " + i, value)));
                }
                producer.flush();
                for (int i = 0; i < answers.size() && !acks.equals("0"); i++)
                    check(answers.get(i).get().offset() == base + i, "offset " + (base + i) + " acknowledged, got " + answers.get(i).get().offset());
            }
        }
        checkValues(sent, readFrom(topic, 0, sent.size()));
    }

    static void consumeFrom(String topic, int offset) throws Exception {
        List<String> sent = produceMany(topic, 100);
        checkValues(sent.subList(offset, 100), readFrom(topic, offset, 100 - offset));
    }

    static void consumeFromStart(String topic) throws Exception {
        List<String> sent = produceMany(topic, 100);
        try (KafkaConsumer<byte[], byte[]> consumer = consumer("any")) {
            consumer.assign(List.of(new TopicPartition(topic, 0)));
            checkValues(sent, poll(consumer, 100));
        }
    }

    static void offsets(String topic) throws Exception {
        produceMany(topic, 20);
        check(positionAfterReset(topic, "earliest") == 0, "earliest offset 0");
        check(positionAfterReset(topic, "latest") == 20, "latest offset 20");
    }

    static long positionAfterReset(String topic, String reset) {
        TopicPartition partition = new TopicPartition(topic, 0);
        try (KafkaConsumer<byte[], byte[]> consumer = consumer("any", reset)) {
            consumer.assign(List.of(partition));
            return consumer.position(partition);
        }
    }

    static void groupOfThree(String topic) throws Exception {
        // Auto-created topics have one partition: three topics, dealt out in turn, take their place.
        for (int i = 0; i < 3; i++) produceMany(topic + "-" + i, 10);
        String group = topic + "-group";
        Process third = new ProcessBuilder(ProcessHandle.current().info().command().get(), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC",
            "-cp", System.getProperty("java.class.path"), "OldDriver", "member", bootstrap, topic, group)
            .redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
        Member first = new Member(topic, group, false);
        Member second = new Member(topic, group, false);
        try {
            await("a partition each of three members", 40, () -> first.owned.size() == 1 && second.owned.size() == 1);
            third.destroyForcibly().waitFor();
            await("all partitions with the two left", 40, () -> first.owned.size() + second.owned.size() == 3);
            Set<String> sent = new HashSet<>();
            first.values.clear();
            second.values.clear();
            try (KafkaProducer<byte[], byte[]> producer = producer(Collections.<String, String>emptyMap())) {
                for (int i = 0; i < 60; i++) {
                    producer.send(record(topic + "-" + i % 3, null, "later " + i));
                    sent.add("later " + i);
                }
            }
            await("sixty messages", 20, () -> later(first) + later(second) >= 60);
            Set<String> got = new HashSet<>(first.values);
            got.addAll(second.values);
            check(got.containsAll(sent), "every message");
        } finally {
            third.destroyForcibly();
            first.end();
            second.end();
        }
    }

    static void groupAcrossKill(String topic) throws Exception {
        for (int i = 0; i < 3; i++) produceMany(topic + "-" + i, 1);
        String group = topic + "-group";
        Member first = new Member(topic, group, true);
        Member second = new Member(topic, group, true);
        Map<String, String> settings = new HashMap<>();
        settings.put("acks", "all");
        settings.put("retries", "1000");
        try (KafkaProducer<byte[], byte[]> producer = producer(settings)) {
            BooleanSupplier allTaken = () -> first.owned.size() + second.owned.size() == 3 && !first.owned.isEmpty() && !second.owned.isEmpty();
            await("three partitions shared by two members", 40, allTaken);
            for (int i = 0; i < 200; i++) {
                if (i == 100) {
                    producer.flush();
                    await("a hundred messages committed", 20, () -> later(first, second) == 100 && first.acknowledged() + second.acknowledged() >= 103);
                    say("@broker kill");
                }
                if (i == 150) {
                    check(System.in.read() == '\n', "the broker is back");
                    Map<TopicPartition, Long> acknowledged = new HashMap<>(first.committed);
                    acknowledged.putAll(second.committed);
                    checkCommitted(group, acknowledged);
                }
                producer.send(record(topic + "-" + i % 3, null, "later " + i));
            }
            producer.flush();
            await("two hundred messages", 60, () -> later(first, second) == 200);
            await("all of them committed", 20, () -> first.acknowledged() + second.acknowledged() >= 203);
            await("still all partitions", 20, allTaken);
        } finally {
            first.end();
            second.end();
        }
    }

    static void checkCommitted(String group, Map<TopicPartition, Long> acknowledged) {
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(group)) {
            acknowledged.forEach((partition, offset) -> {
                OffsetAndMetadata kept = consumer.committed(partition);
                check(kept != null && kept.offset() >= offset, partition + " committed up to " + offset + ", got " + kept);
            });
        }
    }

    static long later(Member first, Member second) {
        Set<String> values = new HashSet<>(first.values);
        values.addAll(second.values);
        return values.stream().filter(value -> value.startsWith("later")).count();
    }

    static long later(Member member) {
        return member.values.stream().filter(value -> value.startsWith("later")).count();
    }

    static class Member implements ConsumerRebalanceListener {
        final Set<TopicPartition> owned = Collections.synchronizedSet(new HashSet<TopicPartition>());
        final ConcurrentLinkedQueue<String> values = new ConcurrentLinkedQueue<>();
        /** What its commits were acknowledged for. */
        final Map<TopicPartition, Long> committed = new ConcurrentHashMap<>();
        final Thread thread;
        volatile boolean ending;

        Member(String topic, String group, boolean commits) {
            thread = new Thread(() -> {
                try (KafkaConsumer<byte[], byte[]> consumer = consumer(group)) {
                    consumer.subscribe(List.of(topic + "-0", topic + "-1", topic + "-2"), this);
                    while (!ending) {
                        ConsumerRecords<byte[], byte[]> records = consumer.poll(200);
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
            } catch (CommitFailedException moved) {
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
            owned.clear();
        }

        void end() throws InterruptedException {
            ending = true;
            thread.join();
        }
    }

    static void commitAndResume(String topic) throws Exception {
        List<String> sent = produceMany(topic, 100);
        TopicPartition partition = new TopicPartition(topic, 0);
        String group = topic + "-group";
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(group)) {
            consumer.subscribe(List.of(topic));
            checkValues(sent.subList(0, 30), poll(consumer, 30));
            consumer.commitSync(Collections.singletonMap(partition, new OffsetAndMetadata(30, "thirty")));
        }
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(group)) {
            consumer.subscribe(List.of(topic));
            checkValues(sent.subList(30, 100), poll(consumer, 70));
            OffsetAndMetadata committed = consumer.committed(partition);
            check(committed.offset() == 30 && committed.metadata().equals("thirty"), "committed 30, got " + committed);
        }
    }

    static void nulls(String topic) throws Exception {
        List<String> sent = List.of("null=x", "k=null", "=", "null=null");
        try (KafkaProducer<byte[], byte[]> producer = producer(Collections.<String, String>emptyMap())) {
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
        String value = text(1, 1_000_000);
        try (KafkaProducer<byte[], byte[]> producer = producer(Collections.singletonMap("max.request.size", "4000000"))) {
            producer.send(record(topic, null, value)).get();
        }
        checkValues(List.of(value), readFrom(topic, 0, 1));
    }

    static void tooLarge(String topic) throws Exception {
        try (KafkaProducer<byte[], byte[]> producer = producer(Collections.singletonMap("max.request.size", "4000000"))) {
            try {
                producer.send(record(topic, null, text(1, 1_100_000))).get();
                check(false, "RecordTooLargeException, got success");
            } catch (ExecutionException error) {
                check(error.getCause() instanceof RecordTooLargeException, "RecordTooLargeException, got " + error.getCause());
            }
            check(producer.send(record(topic, null, "after")).get().offset() == 0, "the next message has offset 0");
        }
    }

    // Below: what the scenarios are made of.

    static List<String> produceMany(String topic, int count) {
        List<String> sent = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer = producer(Collections.<String, String>emptyMap())) {
            for (int i = 0; i < count; i++) {
                sent.add("message " + i);
                producer.send(record(topic, "key " + i, "message " + i));
                if (i % 10 == 9) producer.flush();
            }
        }
        return sent;
    }

    static KafkaProducer<byte[], byte[]> producer(Map<String, String> settings) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("retries", "5");
        properties.put("max.in.flight.requests.per.connection", "1");
        properties.putAll(settings);
        return new KafkaProducer<>(properties, new ByteArraySerializer(), new ByteArraySerializer());
    }

    static KafkaConsumer<byte[], byte[]> consumer(String group) {
        return consumer(group, "earliest");
    }

    static KafkaConsumer<byte[], byte[]> consumer(String group, String reset) {
        Properties properties = new Properties();
        properties.put("bootstrap.servers", bootstrap);
        properties.put("auto.offset.reset", reset);
        properties.put("enable.auto.commit", "false");
        properties.put("session.timeout.ms", "3000");
        properties.put("heartbeat.interval.ms", "500");
        properties.put("partition.assignment.strategy", "org.apache.kafka.clients.consumer.RoundRobinAssignor");
        properties.put("group.id", group);
        return new KafkaConsumer<>(properties, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    static List<ConsumerRecord<byte[], byte[]>> readFrom(String topic, long offset, int count) {
        TopicPartition partition = new TopicPartition(topic, 0);
        try (KafkaConsumer<byte[], byte[]> consumer = consumer("any")) {
            consumer.assign(List.of(partition));
            consumer.seek(partition, offset);
            return poll(consumer, count);
        }
    }

    static List<ConsumerRecord<byte[], byte[]>> poll(KafkaConsumer<byte[], byte[]> consumer, int count) {
        List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
        long deadline = System.currentTimeMillis() + 30_000;
        while (records.size() < count && System.currentTimeMillis() < deadline)
            for (ConsumerRecord<byte[], byte[]> record : consumer.poll(200)) if (records.size() < count) records.add(record);
        check(records.size() == count, count + " messages, got " + records.size());
        return records;
    }

    static void checkValues(List<String> expected, List<ConsumerRecord<byte[], byte[]>> records) {
        for (int i = 0; i < expected.size(); i++)
            check(expected.get(i).equals(string(records.get(i).value())), "message " + i + " as sent, got another");
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

    static synchronized void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
