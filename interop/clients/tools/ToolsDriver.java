// The scenarios of ../../scenarios.ts through Kafka's own command-line tools, called in one JVM as
// their scripts call them: main class and arguments. Arguments as in ../java/InteropDriver.java.
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.kafka.common.utils.Exit;

public class ToolsDriver {
    static final PrintStream report = System.out;
    static final PrintStream errors = System.err;
    static final InputStream input = System.in;
    static final String package_ = "org.apache.kafka.tools.";
    static String bootstrap;

    /** Ends a tool where it would have ended the process. A tool may catch it, so its first code counts. */
    static class Exited extends RuntimeException {
        Exited(int code) {
            super("exit code " + code, null, false, false);
        }
    }

    static Integer exitCode;
    /** What the tool wants done at the end of its process: some send their last messages there. */
    static final List<Runnable> hooks = new ArrayList<>();

    static void exit(int code) {
        if (exitCode == null) exitCode = code;
        throw new Exited(code);
    }

    /** `output` holds both streams, `printed` the standard output alone. */
    record Run(int code, String output, String printed) {}

    public static void main(String[] args) throws Exception {
        bootstrap = args[0];
        Exit.setExitProcedure((code, message) -> exit(code));
        Exit.setShutdownHookAdder((name, hook) -> hooks.add(hook));
        Exit.setHaltProcedure((code, message) -> exit(code));
        for (String scenario : args[2].split(",")) {
            report.println("@begin " + scenario);
            String result;
            try {
                String absent = run(scenario, args[1] + "-" + scenario);
                result = absent == null ? "ok" : "na " + absent;
            } catch (Throwable error) {
                result = "fail " + error.toString().replace('\n', ' ');
                if (System.getenv("INTEROP_TRACE") != null) error.printStackTrace(errors);
            }
            report.println("@result " + scenario + " " + result);
            report.flush();
        }
        Runtime.getRuntime().halt(0);
    }

    static String run(String scenario, String topic) throws Exception {
        if (scenario.startsWith("produce-")) {
            produce(topic, scenario.substring("produce-".length()));
            return null;
        }
        switch (scenario) {
            case "create-topic": createTopic(topic); return null;
            case "consume-start": consume(topic, 0); return null;
            case "consume-offset": consume(topic, 42); return null;
            case "consume-time": consumeFromTime(topic); return null;
            case "group-of-three": groupOfThree(topic); return null;
            case "idempotent-kill": idempotentAcross(topic, "kill"); return null;
            case "idempotent-restart": idempotentAcross(topic, "restart"); return null;
            case "commit-resume": commitAndResume(topic); return null;
            case "headers": headers(topic); return null;
            case "nulls-and-tombstones": nulls(topic); return null;
            case "message-1mb": largeMessage(topic); return null;
            case "message-too-large": tooLarge(topic); return null;
            case "delete-records": deleteRecords(topic); return null;
            case "admin-configs": configs(topic); return null;
            case "admin-partitions": partitions(topic); return null;
            case "admin-groups": groups(topic); return null;
            case "admin-cluster": cluster(topic); return null;
            case "admin-offsets": offsets(topic); return null;
            case "delete-topic": deleteTopic(topic); return null;
            case "perf-tools": performance(topic); return null;
            case "verifiable-tools": verifiable(topic); return null;
            default: return "no command-line tool for it";
        }
    }

    static void createTopic(String topic) throws Exception {
        says(ok("TopicCommand", "--create", "--topic", topic, "--partitions", "3"), "Created topic " + topic);
        String described = ok("TopicCommand", "--describe", "--topic", topic);
        says(described, "PartitionCount: 3");
        says(described, "Leader: ");
        says(ok("TopicCommand", "--list"), topic);
        says(refused("TopicCommand", "--create", "--topic", topic), "already exists");
        says(refused("TopicCommand", "--create", "--topic", topic + "-five", "--replication-factor", "5"), "eplication factor");
    }

    static void produce(String topic, String compression) throws Exception {
        create(topic, 1);
        List<String> sent = new ArrayList<>();
        for (String acks : List.of("1", "-1", "0")) {
            List<String> lines = lines(acks + " message ", 200);
            sent.addAll(lines);
            send(lines, topic, "--producer-property", "acks=" + acks, "--producer-property", "compression.type=" + compression,
                "--producer-property", "enable.idempotence=false", "--producer-property", "linger.ms=5");
        }
        received(topic, 0, sent);
    }

    static void consume(String topic, int offset) throws Exception {
        List<String> sent = produceMany(topic, 100);
        received(topic, offset, sent.subList(offset, 100));
    }

    static void consumeFromTime(String topic) throws Exception {
        List<String> first = produceMany(topic, 10);
        long between = System.currentTimeMillis() + 1;
        while (System.currentTimeMillis() <= between) Thread.sleep(1);
        List<String> later = lines("later ", 5);
        send(later, topic);
        says(ok("GetOffsetShell", "--topic", topic, "--time", String.valueOf(between)), topic + ":0:" + first.size());
        received(topic, first.size(), later);
    }

    static void groupOfThree(String topic) throws Exception {
        create(topic, 6);
        List<Member> members = List.of(new Member(topic), new Member(topic), new Member(topic));
        try {
            await("two partitions each of three members", 40, () -> members.stream().allMatch(member -> member.assigned == 2));
            members.get(2).kill();
            await("three partitions each of the two left", 40, () -> members.subList(0, 2).stream().allMatch(member -> member.assigned == 3));
            process("VerifiableProducer", "--bootstrap-server", bootstrap, "--topic", topic, "--max-messages", "60", "--repeating-keys", "30");
            await("sixty messages", 20, () -> consumed(members) >= 60);
            check(consumed(members) == 60, "each message once, got " + consumed(members));
        } finally {
            for (Member member : members) member.kill();
        }
    }

    static int consumed(List<Member> members) {
        return members.stream().mapToInt(member -> member.consumed).sum();
    }

    /** A verifiable consumer, which tells by a line of JSON each what it is assigned and what it reads. */
    static class Member {
        static final Pattern COUNT = Pattern.compile("\"records_consumed\",\"count\":(\\d+)");
        final Process process;
        volatile int assigned;
        volatile int consumed;

        Member(String topic) throws Exception {
            String heartbeats = file("heartbeat.interval.ms=500\n").toString();
            process = start("VerifiableConsumer", "--bootstrap-server", bootstrap, "--topic", topic, "--group-id", topic + "-group",
                "--reset-policy", "earliest", "--session-timeout", "3000", "--consumer.config", heartbeats);
            Thread reading = new Thread(() -> process.inputReader().lines().forEach(this::read));
            reading.setDaemon(true);
            reading.start();
        }

        void read(String line) {
            if (line.contains("\"partitions_assigned\"")) assigned = line.split("\"partition\":").length - 1;
            if (line.contains("\"partitions_revoked\"")) assigned = 0;
            Matcher count = COUNT.matcher(line);
            if (count.find()) consumed += Integer.parseInt(count.group(1));
        }

        void kill() throws InterruptedException {
            process.destroyForcibly().waitFor();
            assigned = 0;
        }
    }

    /** By the verifiable producer, which sends numbers and by itself would not try again. */
    static void idempotentAcross(String topic, String how) throws Exception {
        create(topic, 1);
        Path settings = file("retries=2147483647\nenable.idempotence=true\ndelivery.timeout.ms=80000\nreconnect.backoff.max.ms=200\n");
        Process producer = start("VerifiableProducer", "--bootstrap-server", bootstrap, "--topic", topic, "--max-messages", "3000",
            "--throughput", "600", "--acks", "-1", "--producer.config", settings.toString());
        int sent = 0;
        String last = "";
        for (String line = producer.inputReader().readLine(); line != null; line = producer.inputReader().readLine()) {
            last = line;
            if (!line.contains("\"producer_send_success\"") || ++sent != 1000) continue;
            report.println("@broker " + how);
            report.flush();
        }
        check(input.read() == '\n', "the broker is back");
        check(last.contains("\"acked\":3000"), "3000 messages acknowledged, got " + last);
        received(topic, 0, lines("", 3000));
        says(ok("GetOffsetShell", "--topic", topic), topic + ":0:3000");
    }

    static void commitAndResume(String topic) throws Exception {
        List<String> sent = produceMany(topic, 100);
        String group = topic + "-group";
        equal(console("--topic", topic, "--group", group, "--from-beginning", "--max-messages", "30"), sent.subList(0, 30));
        // The console consumer commits what it has polled, which may be more than it printed.
        ok("consumer.group.ConsumerGroupCommand", "--group", group, "--topic", topic, "--reset-offsets", "--to-offset", "30", "--execute");
        equal(console("--topic", topic, "--group", group, "--max-messages", "70"), sent.subList(30, 100));
    }

    static void headers(String topic) throws Exception {
        create(topic, 1);
        send(List.of("a:1,a:2\tk\tv"), topic, "--property", "parse.headers=true", "--property", "parse.key=true");
        equal(console("--topic", topic, "--from-beginning", "--max-messages", "1", "--property", "print.headers=true",
            "--property", "print.key=true"), List.of("a:1,a:2\tk\tv"));
    }

    static void nulls(String topic) throws Exception {
        create(topic, 1);
        send(List.of("k\tNIL", "NIL\tx", "\t"), topic, "--property", "parse.key=true", "--property", "null.marker=NIL");
        equal(console("--topic", topic, "--from-beginning", "--max-messages", "3", "--property", "print.key=true"),
            List.of("k\tnull", "null\tx", "\t"));
    }

    static void largeMessage(String topic) throws Exception {
        create(topic, 1);
        String value = "x".repeat(1_000_000);
        send(List.of(value), topic, "--producer-property", "max.request.size=4000000");
        received(topic, 0, List.of(value));
    }

    static void tooLarge(String topic) throws Exception {
        create(topic, 1);
        Run sent = call("ProducerPerformance", "", "--topic", topic, "--num-records", "1", "--record-size", "1100000", "--throughput", "-1",
            "--producer-props", "bootstrap.servers=" + bootstrap, "max.request.size=4000000");
        says(sent.output, "RecordTooLargeException");
        says(ok("GetOffsetShell", "--topic", topic), topic + ":0:0");
        send(List.of("after"), topic);
        says(ok("GetOffsetShell", "--topic", topic), topic + ":0:1");
    }

    static void deleteRecords(String topic) throws Exception {
        List<String> sent = produceMany(topic, 50);
        Path file = file("{\"partitions\": [{\"topic\": \"" + topic + "\", \"partition\": 0, \"offset\": 20}], \"version\": 1}");
        says(ok("DeleteRecordsCommand", "--offset-json-file", file.toString()), "low_watermark: 20");
        says(ok("GetOffsetShell", "--topic", topic, "--time", "-2"), topic + ":0:20");
        received(topic, -1, sent.subList(20, 50));
    }

    static void configs(String topic) throws Exception {
        create(topic, 1);
        String[] entity = {"--entity-type", "topics", "--entity-name", topic};
        ok("kafka.admin.ConfigCommand", with(entity, "--alter", "--add-config", "retention.ms=12345,cleanup.policy=[compact,delete]"));
        String described = ok("kafka.admin.ConfigCommand", with(entity, "--describe"));
        says(described, "retention.ms=12345");
        says(described, "cleanup.policy=compact,delete");
        ok("kafka.admin.ConfigCommand", with(entity, "--alter", "--delete-config", "retention.ms"));
        check(!ok("kafka.admin.ConfigCommand", with(entity, "--describe")).contains("retention.ms"), "retention.ms gone");
        says(refused("kafka.admin.ConfigCommand", with(entity, "--alter", "--add-config", "retention.ms=soon")), "retention.ms");
        says(ok("kafka.admin.ConfigCommand", "--entity-type", "brokers", "--entity-name", "0", "--describe", "--all"), "num.network.threads");
    }

    static void partitions(String topic) throws Exception {
        create(topic, 2);
        ok("TopicCommand", "--alter", "--topic", topic, "--partitions", "4");
        says(ok("TopicCommand", "--describe", "--topic", topic), "PartitionCount: 4");
        refused("TopicCommand", "--alter", "--topic", topic, "--partitions", "1");
    }

    static void groups(String topic) throws Exception {
        produceMany(topic, 10);
        String tool = "consumer.group.ConsumerGroupCommand";
        String group = topic + "-group";
        console("--topic", topic, "--group", group, "--from-beginning", "--max-messages", "10");
        says(ok(tool, "--list"), group);
        says(ok(tool, "--describe", "--group", group), topic);
        says(ok(tool, "--describe", "--group", group, "--state"), "Empty");
        ok(tool, "--describe", "--group", group, "--members");
        says(ok(tool, "--reset-offsets", "--group", group, "--topic", topic, "--to-earliest", "--execute"), topic);
        String lag = ok(tool, "--describe", "--group", group);
        check(lag.lines().anyMatch(line -> line.trim().replaceAll(" +", " ").startsWith(group + " " + topic + " 0 0 10 10")), "lag 10, got " + lag);
        says(ok(tool, "--delete", "--group", group), "successful");
        check(!ok(tool, "--list").contains(group), "the group gone");
    }

    static void cluster(String topic) throws Exception {
        produceMany(topic, 10);
        says(ok("ClusterTool", "cluster-id"), "Cluster ID: ");
        says(ok("BrokerApiVersionsCommand"), "Produce(0): ");
        says(ok("LogDirsCommand", "--describe", "--topic-list", topic), "\"partition\":\"" + topic + "-0\"");
    }

    static void offsets(String topic) throws Exception {
        produceMany(topic, 20);
        says(ok("GetOffsetShell", "--topic", topic), topic + ":0:20");
        says(ok("GetOffsetShell", "--topic", topic, "--time", "earliest"), topic + ":0:0");
        says(ok("GetOffsetShell", "--topic", topic, "--time", "max-timestamp"), topic + ":0:");
        says(ok("GetOffsetShell", "--topic", topic, "--time", "1000"), topic + ":0:0");
    }

    static void deleteTopic(String topic) throws Exception {
        produceMany(topic, 10);
        ok("TopicCommand", "--delete", "--topic", topic);
        long deadline = System.currentTimeMillis() + 20_000;
        while (ok("TopicCommand", "--list").contains(topic)) check(System.currentTimeMillis() < deadline, "the topic gone within 20 s");
        refused("TopicCommand", "--describe", "--topic", topic);
        while (call("TopicCommand", "", "--bootstrap-server", bootstrap, "--create", "--topic", topic).code != 0)
            check(System.currentTimeMillis() < deadline, "the topic created again within 20 s");
        says(ok("GetOffsetShell", "--topic", topic), topic + ":0:0");
    }

    static void performance(String topic) throws Exception {
        create(topic, 1);
        Run sent = call("ProducerPerformance", "", "--topic", topic, "--num-records", "20000", "--record-size", "500", "--throughput", "-1",
            "--producer-props", "bootstrap.servers=" + bootstrap, "acks=all");
        says(sent.output, "20000 records sent");
        Run read = call("ConsumerPerformance", "", "--bootstrap-server", bootstrap, "--topic", topic, "--messages", "20000", "--timeout", "20000");
        check(read.code == 0 && read.output.contains(", 20000,"), "20000 messages read, got " + read.output);
        Run latency = call("EndToEndLatency", "", latencyArguments(topic));
        check(latency.output.contains("Avg latency"), "end-to-end latency, got " + latency.code + " " + latency.output);
    }

    /** The tool of 3.9 takes its arguments by position. */
    static String[] latencyArguments(String topic) {
        boolean named = Arrays.stream(org.apache.kafka.common.utils.AppInfoParser.getVersion().split("\\.")).findFirst().get().equals("4");
        return named
            ? new String[] {"--bootstrap-server", bootstrap, "--topic", topic, "--num-records", "50", "--producer-acks", "all", "--record-size", "100"}
            : new String[] {bootstrap, topic, "50", "all", "100"};
    }

    static void verifiable(String topic) throws Exception {
        create(topic, 1);
        // Processes of their own: they end in hooks of the JVM.
        String sent = process("VerifiableProducer", "--bootstrap-server", bootstrap, "--topic", topic, "--max-messages", "1000", "--acks", "-1");
        check(sent.contains("\"acked\":1000"), "1000 records acknowledged, got " + sent);
        String read = process("VerifiableConsumer", "--bootstrap-server", bootstrap, "--topic", topic, "--group-id", topic + "-group",
            "--max-messages", "1000", "--reset-policy", "earliest", "--session-timeout", "5000");
        Matcher counts = Pattern.compile("\"records_consumed\",\"count\":(\\d+)").matcher(read);
        int count = 0;
        while (counts.find()) count += Integer.parseInt(counts.group(1));
        check(count == 1000, "1000 records consumed, got " + count + ": " + read);
    }

    static String process(String tool, String... arguments) throws Exception {
        Process process = start(tool, arguments);
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        return output;
    }

    static Process start(String tool, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(ProcessHandle.current().info().command().get(), "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC", "-Xmx128m", "-cp", System.getProperty("java.class.path"), package_ + tool));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    // Below: what the scenarios are made of.

    static void create(String topic, int partitions) throws Exception {
        ok("TopicCommand", "--create", "--topic", topic, "--partitions", String.valueOf(partitions));
    }

    static List<String> produceMany(String topic, int count) throws Exception {
        create(topic, 1);
        List<String> sent = lines("message ", count);
        send(sent, topic);
        return sent;
    }

    static List<String> lines(String prefix, int count) {
        return IntStream.range(0, count).mapToObj(i -> prefix + i).collect(Collectors.toList());
    }

    static void send(List<String> lines, String topic, String... more) throws Exception {
        String[] arguments = with(new String[] {"--bootstrap-server", bootstrap, "--topic", topic}, more);
        Run run = call("ConsoleProducer", String.join("\n", lines) + "\n", arguments);
        check(run.code == 0 && !run.output.contains("Exception"), "the console producer to send, got " + run.code + " " + run.output);
    }

    static void received(String topic, int offset, List<String> expected) throws Exception {
        String start = offset < 0 ? "earliest" : String.valueOf(offset);
        equal(console("--topic", topic, "--partition", "0", "--offset", start, "--max-messages", String.valueOf(expected.size())), expected);
    }

    /** What newer tools say on their standard output beside the messages. */
    static final Pattern advice = Pattern.compile("is deprecated and will be removed|consumer rebalance protocol");

    static List<String> console(String... arguments) throws Exception {
        Run run = call("consumer.ConsoleConsumer", "", with(new String[] {"--bootstrap-server", bootstrap, "--timeout-ms", "20000"}, arguments));
        return run.printed.lines().filter(line -> !advice.matcher(line).find()).collect(Collectors.toList());
    }

    static String ok(String tool, String... arguments) throws Exception {
        Run run = call(tool, "", with(new String[] {"--bootstrap-server", bootstrap}, arguments, tool.equals("ClusterTool")));
        check(run.code == 0, tool + " " + String.join(" ", arguments) + " to succeed, got " + run.code + " " + run.output);
        return run.output;
    }

    static String refused(String tool, String... arguments) throws Exception {
        Run run = call(tool, "", with(new String[] {"--bootstrap-server", bootstrap}, arguments));
        check(run.code != 0, tool + " " + String.join(" ", arguments) + " to be refused, got " + run.output);
        return run.output;
    }

    static Run call(String tool, String standardInput, String... arguments) throws Exception {
        ByteArrayOutputStream gathered = new ByteArrayOutputStream();
        ByteArrayOutputStream printed = new ByteArrayOutputStream();
        PrintStream stream = new PrintStream(gathered, true);
        PrintStream output = new PrintStream(new Tee(gathered, printed), true);
        System.setOut(output);
        System.setErr(stream);
        System.setIn(new ByteArrayInputStream(standardInput.getBytes(StandardCharsets.UTF_8)));
        exitCode = null;
        try {
            scala.Console$.MODULE$.setOutDirect(output);
            scala.Console$.MODULE$.setErrDirect(stream);
            classOf(tool).getMethod("main", String[].class).invoke(null, (Object) arguments);
        } catch (InvocationTargetException error) {
            if (exitCode == null) {
                exitCode = 1;
                stream.println(error.getCause());
            }
        } finally {
            for (Runnable hook : List.copyOf(hooks)) hook.run();
            hooks.clear();
            System.setOut(report);
            System.setErr(errors);
            System.setIn(input);
        }
        return new Run(exitCode == null ? 0 : exitCode, gathered.toString(StandardCharsets.UTF_8), printed.toString(StandardCharsets.UTF_8));
    }

    static class Tee extends OutputStream {
        final OutputStream first;
        final OutputStream second;

        Tee(OutputStream first, OutputStream second) {
            this.first = first;
            this.second = second;
        }

        public void write(int value) throws IOException {
            first.write(value);
            second.write(value);
        }

        public void write(byte[] bytes, int at, int length) throws IOException {
            first.write(bytes, at, length);
            second.write(bytes, at, length);
        }
    }

    /** Some tools still live in the Scala part of 3.9. */
    static Class<?> classOf(String tool) throws ClassNotFoundException {
        if (tool.startsWith("kafka.")) return Class.forName(tool);
        for (String name : List.of(package_ + tool, "kafka.tools." + tool, "kafka.admin." + tool)) {
            try {
                return Class.forName(name);
            } catch (ClassNotFoundException absent) {
                // The next place.
            }
        }
        throw new ClassNotFoundException(tool);
    }

    static String[] with(String[] first, String... second) {
        return with(first, second, false);
    }

    static String[] with(String[] first, String[] second, boolean firstLast) {
        List<String> all = new ArrayList<>(List.of(firstLast ? second : first));
        all.addAll(List.of(firstLast ? first : second));
        return all.toArray(new String[0]);
    }

    static Path file(String text) throws Exception {
        Path path = Files.createTempFile("odradek-tools", ".json");
        path.toFile().deleteOnExit();
        return Files.writeString(path, text);
    }

    static void says(String output, String text) {
        check(output.contains(text), "\"" + text + "\" in the output, got " + output);
    }

    static void equal(List<String> got, List<String> expected) {
        check(got.equals(expected), expected.size() + " lines as sent, got " + got.size() + ": " + shorten(got.toString()));
    }

    static String shorten(String text) {
        return text.length() > 300 ? text.substring(0, 300) + "…" : text;
    }

    static void await(String what, int seconds, BooleanSupplier condition) throws InterruptedException {
        long deadline = System.currentTimeMillis() + seconds * 1000L;
        while (!condition.getAsBoolean()) {
            check(System.currentTimeMillis() < deadline, what + " within " + seconds + " s");
            Thread.sleep(50);
        }
    }

    static void check(boolean condition, String expectation) {
        if (!condition) throw new AssertionError("expected " + shorten(expectation));
    }
}
