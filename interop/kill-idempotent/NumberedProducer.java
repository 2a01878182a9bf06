// An idempotent producer of numbered messages, to be disturbed. Arguments: bootstrap address, topic, partitions,
// whether it is idempotent (true or false).
// Message i has the text i and goes to partition i modulo partitions. Goes on until its standard input ends, waits for
// every answer, and then prints for every message, in the order of sending: its number and the offset that was
// acknowledged, or its number and the name of the error.
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;

public class NumberedProducer {
    static volatile boolean ending;

    public static void main(String[] args) throws Exception {
        String topic = args[1];
        int partitions = Integer.parseInt(args[2]);
        Thread waiting = new Thread(() -> {
            try {
                while (System.in.read() != -1);
            } catch (java.io.IOException closed) {
                // Ended, too.
            }
            ending = true;
        });
        waiting.setDaemon(true);
        waiting.start();
        List<Future<RecordMetadata>> answers = new ArrayList<>();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings(args[0], args[3]))) {
            for (int i = 0; !ending; i++) {
                byte[] text = String.valueOf(i).getBytes(StandardCharsets.UTF_8);
                answers.add(producer.send(new ProducerRecord<>(topic, i % partitions, null, text)));
                if (i % 10 == 0) Thread.sleep(1);
            }
        }
        PrintStream output = new PrintStream(System.out, false);
        for (int i = 0; i < answers.size(); i++) output.println(i + " " + outcome(answers.get(i)));
        output.flush();
    }

    static String outcome(Future<RecordMetadata> answer) throws InterruptedException {
        try {
            return String.valueOf(answer.get().offset());
        } catch (ExecutionException error) {
            return error.getCause().getClass().getSimpleName();
        }
    }

    static Properties settings(String bootstrap, String isIdempotent) {
        Properties settings = new Properties();
        settings.put("bootstrap.servers", bootstrap);
        settings.put("acks", "all");
        settings.put("enable.idempotence", isIdempotent);
        settings.put("delivery.timeout.ms", "300000");
        settings.put("request.timeout.ms", "10000");
        settings.put("reconnect.backoff.max.ms", "200");
        settings.put("max.block.ms", "120000");
        settings.put("key.serializer", ByteArraySerializer.class.getName());
        settings.put("value.serializer", ByteArraySerializer.class.getName());
        return settings;
    }
}
