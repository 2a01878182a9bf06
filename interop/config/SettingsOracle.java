import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import kafka.server.DynamicBrokerConfig$;
import kafka.server.KafkaConfig$;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.server.config.ServerTopicConfigSynonyms;
import org.apache.kafka.storage.internals.log.LogConfig;

/**
 * Answers what Apache Kafka's own definitions say, a line for a line. Requests, separated by tabs:
 *   all                       one line of all definitions, each "table,name,type,default,importance,internal,update,synonyms"
 *   broker|topic NAME VALUE   what the setting makes of the value: "ok VALUE" or "no REASON"
 * Texts are in hex, "-" stands for null.
 */
public class SettingsOracle {
    private static final Map<String, ConfigDef.ConfigKey> BROKER = KafkaConfig$.MODULE$.configDef().configKeys();
    private static final Map<String, ConfigDef.ConfigKey> TOPIC = LogConfig.configKeys();
    private static final Map<String, String> UPDATE_MODES = DynamicBrokerConfig$.MODULE$.dynamicConfigUpdateModes();

    public static void main(String[] args) throws Exception {
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] fields = line.split("\t", -1);
            System.out.println(fields[0].equals("all") ? definitions() : judge(fields));
        }
    }

    private static String definitions() {
        var out = new StringBuilder("ok");
        BROKER.values().forEach(key -> out.append('\t').append(definition("broker", key)));
        TOPIC.values().forEach(key -> out.append('\t').append(definition("topic", key)));
        return out.toString();
    }

    private static String definition(String table, ConfigDef.ConfigKey key) {
        boolean isTopic = table.equals("topic");
        String update = isTopic ? "-" : UPDATE_MODES.getOrDefault(key.name, "read-only");
        var synonyms = ServerTopicConfigSynonyms.ALL_TOPIC_CONFIG_SYNONYMS.getOrDefault(key.name, List.of());
        String names = isTopic ? String.join(" ", synonyms.stream().map(synonym -> synonym.name()).toList()) : "";
        return String.join(",", table, key.name, key.type.name(), hex(ConfigDef.convertToString(key.defaultValue, key.type)),
            key.importance.name(), String.valueOf(key.internalConfig), update, names);
    }

    private static String judge(String[] fields) {
        var key = (fields[0].equals("topic") ? TOPIC : BROKER).get(fields[1]);
        try {
            Object value = ConfigDef.parseType(key.name, unhex(fields[2]), key.type);
            if (key.validator != null) key.validator.ensureValid(key.name, value);
            return "ok\t" + hex(key.type == ConfigDef.Type.PASSWORD ? unhex(fields[2]).trim() : ConfigDef.convertToString(value, key.type));
        } catch (RuntimeException refusal) {
            return "no\t" + hex(String.valueOf(refusal.getMessage()));
        }
    }

    private static String hex(String text) {
        return text == null ? "-" : HexFormat.of().formatHex(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String unhex(String text) {
        return new String(HexFormat.of().parseHex(text), StandardCharsets.UTF_8);
    }
}
