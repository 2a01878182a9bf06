// Three members of a consumer group, each on a thread of its own, read a topic from its start until `total` records
// have come. Arguments: bootstrap address, topic, group, total. Prints a line per partition:
//   <partition> <records> <SHA-256 over "key TAB value LF" of its records, in order> <members that read it>
// Ends with an exit code of 1 where an offset is missing or comes twice.
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

public class GroupReader {
    static final int MEMBERS = 3;
    static final long PATIENCE_MS = 60_000;
    static final Map<Integer, Partition> partitions = new ConcurrentSkipListMap<>();
    static final AtomicLong read = new AtomicLong();
    static volatile long lastReadMs = System.currentTimeMillis();
    static volatile String complaint;

    /** What has been read of one partition; used by one member at a time, whichever owns it. */
    static class Partition {
        final MessageDigest digest;
        final TreeSet<Integer> members = new TreeSet<>();
        long next;

        Partition() {
            try {
                digest = MessageDigest.getInstance("SHA-256");
            } catch (java.security.NoSuchAlgorithmException absent) {
                throw new IllegalStateException(absent);
            }
        }

        synchronized void take(int member, ConsumerRecord<byte[], byte[]> record) {
            if (record.offset() != next) complaint = "partition " + record.partition() + ": offset " + record.offset() + " after " + (next - 1);
            next = record.offset() + 1;
            digest.update(record.key());
            digest.update((byte) '\t');
            digest.update(record.value());
            digest.update((byte) '\n');
            members.add(member);
        }
    }

    public static void main(String[] args) throws Exception {
        long total = Long.parseLong(args[3]);
        Thread[] threads = new Thread[MEMBERS];
        for (int i = 0; i < MEMBERS; i++) {
            int member = i;
            threads[i] = new Thread(() -> run(member, args[0], args[1], args[2], total));
            threads[i].start();
        }
        for (Thread thread : threads) thread.join();
        for (Map.Entry<Integer, Partition> entry : new TreeMap<>(partitions).entrySet()) {
            Partition partition = entry.getValue();
            System.out.println(entry.getKey() + " " + partition.next + " " + HexFormat.of().formatHex(partition.digest.digest()) + " "
                + String.join(",", partition.members.stream().map(String::valueOf).toList()));
        }
        if (complaint == null && read.get() != total) complaint = read.get() + " records of " + total;
        if (complaint != null) {
            System.err.println(complaint);
            System.exit(1);
        }
    }

    static void run(int member, String bootstrap, String topic, String group, long total) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("group.id", group);
        settings.put("auto.offset.reset", "earliest");
        settings.put("key.deserializer", ByteArrayDeserializer.class.getName());
        settings.put("value.deserializer", ByteArrayDeserializer.class.getName());
        try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(settings)) {
            consumer.subscribe(List.of(topic));
            while (read.get() < total && complaint == null && System.currentTimeMillis() - lastReadMs < PATIENCE_MS) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    partitions.computeIfAbsent(record.partition(), index -> new Partition()).take(member, record);
                    read.incrementAndGet();
                    lastReadMs = System.currentTimeMillis();
                }
            }
        } catch (RuntimeException error) {
            complaint = "member " + member + ": " + error;
        }
    }
}
