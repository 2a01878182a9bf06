import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.protocol.Message;
import org.apache.kafka.common.protocol.ObjectSerializationCache;
import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.protocol.types.RawTaggedField;

/**
 * Apache Kafka's own generated message classes as the other side of a comparison. Lines of output hold name,
 * version, bytes in hex and contents as JSON, separated by tabs.
 *
 * <pre>
 * MessageExchange definitions                  the definitions inside the jars, one a line, as JSON
 * MessageExchange errors                       code, name and whether it is retriable, one error a line
 * MessageExchange generate SEED COUNT LENGTH   random contents of every message and version
 * MessageExchange echo                         reads lines of name, version, hex; writes them back as Java sees them
 * </pre>
 */
public final class MessageExchange {
    private static final String[] PACKAGES = {
        "org.apache.kafka.common.message.",
        "org.apache.kafka.coordinator.group.generated.",
        "org.apache.kafka.coordinator.transaction.generated.",
        "org.apache.kafka.coordinator.share.generated.",
    };

    /** Those with messages that a broker and its clients speak; the controllers of KRaft have some of their own. */
    private static final String JARS = ".*/kafka-(clients|(group|transaction|share)-coordinator)-[^/]*\\.jar";

    public static void main(String[] args) throws Exception {
        try (PrintWriter out = new PrintWriter(new BufferedWriter(
                new OutputStreamWriter(System.out, StandardCharsets.UTF_8), 1 << 16))) {
            if (args[0].equals("definitions")) {
                definitions().values().forEach(out::println);
            } else if (args[0].equals("errors")) {
                for (Errors error : Errors.values()) {
                    out.println(error.code() + "\t" + error.name() + "\t"
                        + (error.exception() instanceof RetriableException));
                }
            } else if (args[0].equals("generate")) {
                generate(Long.parseLong(args[1]), Integer.parseInt(args[2]), Integer.parseInt(args[3]), out);
            } else {
                echo(out);
            }
        }
    }

    private static void generate(long seed, int count, int length, PrintWriter out) throws Exception {
        for (JsonNode definition : definitions().values()) {
            int[] valid = range(definition.get("validVersions").asText());
            if (valid == null) continue;
            Codec codec = new Codec(definition.get("name").asText());
            for (int version = valid[0]; version <= valid[1]; version++) {
                for (int i = 0; i < count; i++) {
                    Random random = new Random(Objects.hash(seed, codec.name, version, i));
                    Contents contents = new Contents(random, definition, version, length);
                    Object message = codec.create();
                    contents.fill(message, definition.get("fields"));
                    out.println(codec.line(message, (short) version));
                }
            }
        }
    }

    private static void echo(PrintWriter out) throws Exception {
        Map<String, Codec> codecs = new TreeMap<>();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] parts = line.split("\t");
            Codec codec = codecs.get(parts[0]);
            if (codec == null) codecs.put(parts[0], codec = new Codec(parts[0]));
            short version = Short.parseShort(parts[1]);
            try {
                String hex = parts.length > 2 ? parts[2] : "";
                out.println(codec.line(codec.read(HexFormat.of().parseHex(hex), version), version));
            } catch (Exception e) {
                out.println(parts[0] + "\t" + version + "\tERROR\t" + String.valueOf(e).replaceAll("\\s", " "));
            }
        }
    }

    /** The definitions inside the jars of the class path, by name. */
    private static Map<String, JsonNode> definitions() throws IOException {
        ObjectMapper mapper = new ObjectMapper().enable(JsonParser.Feature.ALLOW_COMMENTS);
        Map<String, JsonNode> definitions = new TreeMap<>();
        for (String path : System.getProperty("java.class.path").split(File.pathSeparator)) {
            if (!path.matches(JARS)) continue;
            try (ZipFile jar = new ZipFile(path)) {
                for (ZipEntry entry : Collections.list(jar.entries())) {
                    if (!entry.getName().matches("common/message/[^/]*\\.json")) continue;
                    JsonNode definition = mapper.readTree(jar.getInputStream(entry));
                    definitions.put(definition.get("name").asText(), definition);
                }
            }
        }
        return definitions;
    }

    /** Both ends inclusive; null for none. */
    private static int[] range(String text) {
        String[] ends = text.trim().split("-");
        if (text.trim().equals("none")) return null;
        if (text.endsWith("+")) return new int[] {Integer.parseInt(text.replace("+", "").trim()), Integer.MAX_VALUE};
        return new int[] {Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1])};
    }

    /** The generated class of one message. */
    private static final class Codec {
        private final String name;
        private final Class<?> type;
        private final Method toJson;

        Codec(String name) throws Exception {
            this.name = name;
            this.type = find(name);
            this.toJson = Class.forName(type.getName() + "JsonConverter")
                .getMethod("write", type, short.class, boolean.class);
        }

        private static Class<?> find(String name) throws ClassNotFoundException {
            for (String prefix : PACKAGES) {
                for (String suffix : new String[] {"Data", ""}) {
                    try {
                        return Class.forName(prefix + name + suffix);
                    } catch (ClassNotFoundException e) {
                        // The next place, then.
                    }
                }
            }
            throw new ClassNotFoundException(name);
        }

        Object create() throws Exception {
            return type.getConstructor().newInstance();
        }

        Object read(byte[] bytes, short version) throws Exception {
            ByteBuffer buffer = ByteBuffer.wrap(bytes);
            Object message = type.getConstructor(Readable.class, short.class)
                .newInstance(new ByteBufferAccessor(buffer), version);
            if (buffer.hasRemaining()) throw new IllegalStateException(buffer.remaining() + " bytes left over");
            return message;
        }

        String line(Object message, short version) throws Exception {
            ObjectSerializationCache cache = new ObjectSerializationCache();
            ByteBuffer buffer = ByteBuffer.allocate(((Message) message).size(cache, version));
            ((Message) message).write(new ByteBufferAccessor(buffer), cache, version);
            if (buffer.hasRemaining()) throw new IllegalStateException(buffer.remaining() + " bytes not written");
            String hex = HexFormat.of().formatHex(buffer.array());
            return name + "\t" + version + "\t" + hex + "\t" + toJson.invoke(null, message, version, false);
        }
    }

    /** Random contents for one message in one version, after its definition. */
    private static final class Contents {
        private static final long[] LONGS = {
            0, 1, -1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 31, -(1L << 31), 1L << 32, (1L << 53) - 1, -(1L << 53) + 1,
        };
        private static final int[] INTS = {0, 1, -1, Integer.MIN_VALUE, Integer.MAX_VALUE, 127, 128, 32767, 65536};

        private final Random random;
        private final int version;
        private final int length;
        private final boolean flexible;
        private final Map<String, JsonNode> commonStructs = new TreeMap<>();

        Contents(Random random, JsonNode definition, int version, int length) {
            this.random = random;
            this.version = version;
            this.length = length;
            this.flexible = within(definition.get("flexibleVersions"));
            if (definition.has("commonStructs")) {
                for (JsonNode struct : definition.get("commonStructs")) {
                    commonStructs.put(struct.get("name").asText(), struct.get("fields"));
                }
            }
        }

        void fill(Object target, JsonNode fields) throws Exception {
            for (JsonNode field : fields) {
                if (!within(field.has("versions") ? field.get("versions") : field.get("taggedVersions"))) continue;
                if (within(field.get("taggedVersions")) && random.nextBoolean()) continue;
                Method setter = setter(target.getClass(), field.get("name").asText());
                boolean isNull = within(field.get("nullableVersions")) && random.nextInt(4) == 0;
                setter.invoke(target, isNull ? null : value(field, setter));
            }
            if (flexible && random.nextInt(4) == 0) addUnknownTags(target);
        }

        @SuppressWarnings("unchecked")
        private void addUnknownTags(Object target) throws Exception {
            List<RawTaggedField> tags =
                (List<RawTaggedField>) target.getClass().getMethod("unknownTaggedFields").invoke(target);
            tags.add(new RawTaggedField(1000 + random.nextInt(50), bytes()));
            if (random.nextBoolean()) tags.add(new RawTaggedField(100_000 + random.nextInt(50), bytes()));
        }

        private Object value(JsonNode field, Method setter) throws Exception {
            Class<?> parameter = setter.getParameterTypes()[0];
            String type = field.get("type").asText();
            if (!type.startsWith("[]")) return scalar(type, field, parameter);
            Class<?> element = elementClass(setter.getGenericParameterTypes()[0], parameter);
            @SuppressWarnings("unchecked")
            Collection<Object> values = parameter.isInterface()
                ? new ArrayList<>()
                : (Collection<Object>) parameter.getConstructor().newInstance();
            for (int left = random.nextInt(length + 1); left > 0; left--) {
                values.add(scalar(type.substring(2), field, element));
            }
            return values;
        }

        /** For lists their argument; for Kafka's linked hash collections the argument of what they extend. */
        private static Class<?> elementClass(Type generic, Class<?> raw) {
            Type type = generic instanceof ParameterizedType ? generic : raw.getGenericSuperclass();
            return (Class<?>) ((ParameterizedType) type).getActualTypeArguments()[0];
        }

        private Object scalar(String type, JsonNode field, Class<?> target) throws Exception {
            switch (type) {
                case "bool": return random.nextBoolean();
                case "int8": return (byte) anyInt();
                case "int16": return (short) anyInt();
                case "uint16": return anyInt() & 0xffff;
                case "int32": return anyInt();
                case "uint32": return anyInt() & 0xffffffffL;
                case "int64": return anyLong();
                case "float64": return random.nextGaussian() * 1e10;
                case "uuid": return random.nextInt(8) == 0 ? Uuid.ZERO_UUID : new Uuid(random.nextLong(), random.nextLong());
                case "string": return text();
                case "bytes": return target == ByteBuffer.class ? (Object) ByteBuffer.wrap(bytes()) : bytes();
                case "records": return records(target);
                default:
                    Object struct = target.getConstructor().newInstance();
                    fill(struct, field.has("fields") ? field.get("fields") : commonStructs.get(type));
                    return struct;
            }
        }

        /** The class of records has moved between packages, so it is found by its name. */
        private Object records(Class<?> target) throws Exception {
            String memoryRecords = target.getPackageName() + ".MemoryRecords";
            return Class.forName(memoryRecords).getMethod("readableRecords", ByteBuffer.class)
                .invoke(null, ByteBuffer.wrap(bytes()));
        }

        private int anyInt() {
            return random.nextInt(3) == 0 ? INTS[random.nextInt(INTS.length)] : random.nextInt() >> random.nextInt(32);
        }

        /** Within 53 bits, which a double can hold, or one of the extremes. */
        private long anyLong() {
            return random.nextInt(3) == 0 ? LONGS[random.nextInt(LONGS.length)] : random.nextLong() >> (11 + random.nextInt(53));
        }

        private byte[] bytes() {
            byte[] bytes = new byte[random.nextInt(length * 4 + 1)];
            random.nextBytes(bytes);
            return bytes;
        }

        private String text() {
            StringBuilder text = new StringBuilder();
            for (int left = random.nextInt(length * (random.nextInt(20) == 0 ? 60 : 5) + 1); left > 0; left--) {
                text.appendCodePoint(random.nextInt(12) == 0 ? 0x1f600 + random.nextInt(60)
                    : random.nextInt(8) == 0 ? 0xa0 + random.nextInt(0x2000) : 0x20 + random.nextInt(0x5f));
            }
            return text.toString();
        }

        private boolean within(JsonNode versions) {
            int[] range = versions == null ? null : range(versions.asText());
            return range != null && version >= range[0] && version <= range[1];
        }

        private static Method setter(Class<?> type, String field) throws NoSuchMethodException {
            String name = "set" + Character.toUpperCase(field.charAt(0)) + field.substring(1);
            for (Method method : type.getMethods()) {
                if (method.getName().equals(name) && method.getParameterCount() == 1) return method;
            }
            throw new NoSuchMethodException(type + "." + name);
        }
    }
}
