import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.compress.Compression;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.record.CompressionType;
import org.apache.kafka.common.record.MemoryRecords;
import org.apache.kafka.common.record.MemoryRecordsBuilder;
import org.apache.kafka.common.record.MutableRecordBatch;
import org.apache.kafka.common.record.Record;
import org.apache.kafka.common.record.RecordBatch;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.requests.ProduceRequest;
import org.apache.kafka.common.utils.BufferSupplier;
import org.apache.kafka.common.utils.ByteBufferOutputStream;
import org.apache.kafka.common.utils.PrimitiveRef;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.server.common.MetadataVersion;
import org.apache.kafka.storage.internals.log.AppendOrigin;
import org.apache.kafka.storage.internals.log.LogValidator;
import org.apache.kafka.storage.internals.log.RecordValidationException;

/**
 * Does with Apache Kafka's own classes what run.ts does with ours. One request per line, fields separated by
 * tabs, bytes as hexadecimal digits, null as "-"; one answer per line, either "ok" and fields or "error" and a
 * code.
 */
public final class RecordsOracle {
    private static final HexFormat HEX = HexFormat.of();
    private static final TopicPartition PARTITION = new TopicPartition("topic", 0);

    public static void main(String[] arguments) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8), 1 << 20);
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            out.println(answer(line.split("\t", -1)));
        }
        out.flush();
    }

    private static String answer(String[] request) {
        try {
            switch (request[0]) {
                case "write": return "ok\t" + hex(write(request));
                case "read": return "ok\t" + read(bytes(request[1]));
                case "down": return "ok\t" + down(request);
                case "validate": return "ok\t" + validate(request);
                default: throw new IllegalStateException("unknown request " + request[0]);
            }
        } catch (RecordValidationException e) {
            String indexes = e.recordErrors().stream().map(r -> Integer.toString(r.batchIndex)).collect(Collectors.joining(","));
            return "error\t" + Errors.forException(e.invalidException()).code() + "\t" + indexes;
        } catch (Throwable e) {
            return "error\t" + Errors.forException(e).code() + "\t" + e.toString().replaceAll("\\s+", " ");
        }
    }

    /** write magic codec timestampType appendTime baseOffset producerId epoch sequence transactional leaderEpoch record... */
    private static ByteBuffer write(String[] r) {
        byte magic = Byte.parseByte(r[1]);
        int recordsAt = 11;
        MemoryRecordsBuilder builder = new MemoryRecordsBuilder(new ByteBufferOutputStream(512), magic,
            Compression.of(CompressionType.forId(Integer.parseInt(r[2]))).build(), timestampType(r[3]),
            Long.parseLong(r[5]), Long.parseLong(r[4]), Long.parseLong(r[6]), Short.parseShort(r[7]),
            Integer.parseInt(r[8]), r[9].equals("1"), false, Integer.parseInt(r[10]), Integer.MAX_VALUE);
        for (int i = recordsAt; i < r.length; i++) {
            String[] f = r[i].split(",", -1);
            builder.appendWithOffset(Long.parseLong(f[0]), Long.parseLong(f[1]), bytes(f[2]), bytes(f[3]), headers(f));
        }
        return builder.build().buffer();
    }

    private static Header[] headers(String[] fields) {
        Header[] headers = new Header[fields.length - 4];
        for (int i = 0; i < headers.length; i++) {
            String[] pair = fields[i + 4].split("=", -1);
            headers[i] = new RecordHeader(new String(bytes(pair[0]), StandardCharsets.UTF_8), bytes(pair[1]));
        }
        return headers;
    }

    private static String read(byte[] bytes) {
        StringBuilder text = new StringBuilder();
        for (MutableRecordBatch batch : MemoryRecords.readableRecords(ByteBuffer.wrap(bytes)).batches()) {
            batch.ensureValid();
            if (text.length() > 0) text.append('\t');
            text.append(describe(batch));
        }
        return text.toString();
    }

    private static String describe(RecordBatch batch) {
        StringBuilder text = new StringBuilder();
        text.append(batch.magic()).append(':').append(batch.compressionType().id)
            .append(':').append(batch.baseOffset()).append(':').append(batch.lastOffset())
            .append(':').append(batch.timestampType().id).append(':').append(batch.maxTimestamp())
            .append(':').append(batch.producerId()).append(':').append(batch.producerEpoch())
            .append(':').append(batch.baseSequence()).append(':').append(batch.lastSequence())
            .append(':').append(batch.isTransactional() ? 1 : 0).append(':').append(batch.isControlBatch() ? 1 : 0)
            .append(':').append(batch.partitionLeaderEpoch());
        for (Record record : batch) text.append(';').append(describe(record));
        return text.toString();
    }

    private static String describe(Record record) {
        StringBuilder text = new StringBuilder();
        text.append(record.offset()).append(',').append(record.timestamp())
            .append(',').append(hex(record.key())).append(',').append(hex(record.value()));
        for (Header header : record.headers()) {
            text.append(',').append(HEX.formatHex(header.key().getBytes(StandardCharsets.UTF_8)))
                .append('=').append(header.value() == null ? "-" : HEX.formatHex(header.value()));
        }
        return text.toString();
    }

    /** down bytes toMagic firstOffset */
    private static String down(String[] r) {
        MemoryRecords records = MemoryRecords.readableRecords(ByteBuffer.wrap(bytes(r[1])));
        return hex(records.downConvert(Byte.parseByte(r[2]), Long.parseLong(r[3]), Time.SYSTEM).records().buffer());
    }

    /**
     * validate bytes requestVersion codec compacted timestampType before after leaderEpoch origin offset now.
     * What UnifiedLog looks at before (checksums, sizes) is not done here.
     */
    private static String validate(String[] r) {
        MemoryRecords records = MemoryRecords.readableRecords(ByteBuffer.wrap(bytes(r[1])));
        ProduceRequest.validateRecords(Short.parseShort(r[2]), records);
        CompressionType source = CompressionType.NONE;
        for (RecordBatch batch : records.batches()) {
            if (batch.compressionType() != CompressionType.NONE) source = batch.compressionType();
        }
        Compression target = Compression.of(r[3].equals("producer") ? source : CompressionType.forId(Integer.parseInt(r[3]))).build();
        PrimitiveRef.LongRef offset = PrimitiveRef.ofLong(Long.parseLong(r[10]));
        LogValidator.ValidationResult result = new LogValidator(records, PARTITION, new FixedTime(Long.parseLong(r[11])),
            source, target, r[4].equals("1"), RecordBatch.MAGIC_VALUE_V2, timestampType(r[5]),
            Long.parseLong(r[6]), Long.parseLong(r[7]), Integer.parseInt(r[8]),
            r[9].equals("client") ? AppendOrigin.CLIENT : AppendOrigin.COORDINATOR, MetadataVersion.latestTesting())
            .validateMessagesAndAssignOffsets(offset, NO_METRICS, BufferSupplier.NO_CACHING);
        return hex(result.validatedRecords.buffer()) + "\t" + (offset.value - 1) + "\t" + result.maxTimestampMs
            + "\t" + (result.messageSizeMaybeChanged ? 1 : 0);
    }

    private static TimestampType timestampType(String text) {
        switch (text) {
            case "none": return TimestampType.NO_TIMESTAMP_TYPE;
            case "create": return TimestampType.CREATE_TIME;
            default: return TimestampType.LOG_APPEND_TIME;
        }
    }

    private static byte[] bytes(String text) {
        return text.equals("-") ? null : HEX.parseHex(text);
    }

    private static String hex(ByteBuffer buffer) {
        if (buffer == null) return "-";
        byte[] bytes = new byte[buffer.remaining()];
        buffer.duplicate().get(bytes);
        return HEX.formatHex(bytes);
    }

    /** Time stands still. */
    private static final class FixedTime implements Time {
        private final long now;

        FixedTime(long now) {
            this.now = now;
        }

        @Override public long milliseconds() {
            return now;
        }

        @Override public long nanoseconds() {
            return 0;
        }

        @Override public void sleep(long ms) { }

        @Override public void waitObject(Object object, Supplier<Boolean> condition, long deadlineMs) { }
    }

    private static final LogValidator.MetricsRecorder NO_METRICS = new LogValidator.MetricsRecorder() {
        @Override public void recordInvalidMagic() { }
        @Override public void recordInvalidOffset() { }
        @Override public void recordInvalidSequence() { }
        @Override public void recordInvalidChecksums() { }
        @Override public void recordNoKeyCompactedTopic() { }
    };
}
