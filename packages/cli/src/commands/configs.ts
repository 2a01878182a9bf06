import {
  alterConfigs,
  describeConfigs,
  resourceName,
  type ConfigResource,
} from '@odradek/client/admin/configs.ts';
import { Option, type Command } from 'commander';
import { nameAndValue, wholeNumber } from '../arguments.ts';
import { withClientOptions, withCluster, type ClientArguments } from '../client-options.ts';
import { withExamples } from '../examples.ts';
import { jsonText, tableText } from '../output/table.ts';
import { usageError, type Terminal } from '../terminal.ts';

interface ResourceArguments extends ClientArguments {
  readonly topic?: string;
  readonly broker?: number;
  readonly allBrokers?: true;
}

interface DescribeArguments extends ResourceArguments {
  readonly all?: true;
  readonly json?: true;
}

const NODE_ID_MAX = 2 ** 31 - 1;

export function register(program: Command, terminal: Terminal): void {
  const configs = program
    .command('configs')
    .description('Describes, sets and deletes settings of topics and brokers.');
  const describing = configs
    .command('describe')
    .description('Shows settings that differ from the default.')
    .option('-a, --all', 'all settings')
    .option('--json', 'as one JSON array')
    .action((given: DescribeArguments) => describe(given, terminal));
  withExamples(withResource(describing), [
    ['What a topic has of its own', 'odradek configs describe --topic orders'],
    ['All settings in force on broker 1', 'odradek configs describe --broker 1 --all'],
  ]);
  const setting = configs
    .command('set')
    .description('Sets settings; those not named stay as they are.')
    .argument('<name=value...>')
    .action((pairs: string[], given: ResourceArguments) =>
      change(Object.fromEntries(pairs.map((pair) => nameAndValue('setting', pair))), given, terminal),
    );
  withExamples(withResource(setting), [
    ['Keep a topic for an hour', 'odradek configs set --topic orders retention.ms=3600000'],
    ['More threads on all brokers', 'odradek configs set --all-brokers num.io.threads=16'],
  ]);
  const deleting = configs
    .command('delete')
    .description('Takes settings back to their default.')
    .argument('<name...>')
    .action((names: string[], given: ResourceArguments) =>
      change(Object.fromEntries(names.map((name) => [name, null])), given, terminal),
    );
  withExamples(withResource(deleting), [
    ["Back to the broker's retention", 'odradek configs delete --topic orders retention.ms'],
  ]);
}

function withResource(command: Command): Command {
  command
    .addOption(new Option('--topic <name>', 'settings of this topic').conflicts(['broker', 'allBrokers']))
    .addOption(
      new Option('--broker <id>', 'settings of this broker')
        .argParser((text) => wholeNumber('--broker', text, { max: NODE_ID_MAX }))
        .conflicts('allBrokers'),
    )
    .option('--all-brokers', 'what all brokers have unless they have their own');
  return withClientOptions(command);
}

function resourceOf({ topic, broker, allBrokers }: ResourceArguments): ConfigResource {
  if (topic !== undefined) return { type: 'topic', name: topic };
  if (broker !== undefined) return { type: 'broker', nodeId: broker };
  if (allBrokers === true) return { type: 'broker', nodeId: null };
  throw usageError('whose settings? Give --topic, --broker or --all-brokers');
}

async function describe(given: DescribeArguments, terminal: Terminal): Promise<void> {
  const resource = resourceOf(given);
  const all = await withCluster(given, terminal, (cluster) => describeConfigs(cluster, resource));
  const entries = given.all === true ? all : all.filter(({ source }) => source !== 'default');
  if (given.json === true) {
    terminal.stdout.write(jsonText(entries));
  } else if (entries.length === 0) {
    terminal.stdout.write(
      `All settings of ${resourceName(resource)} have their default; --all shows them.\n`,
    );
  } else {
    const rows = entries.map(({ name, value, isSensitive, source, isReadOnly }) => [
      name,
      isSensitive ? '(hidden)' : value,
      source,
      isReadOnly ? 'yes' : 'no',
    ]);
    terminal.stdout.write(tableText(['SETTING', 'VALUE', 'FROM', 'READ-ONLY'], rows, terminal));
  }
}

async function change(
  changes: Readonly<Record<string, string | null>>,
  given: ResourceArguments,
  terminal: Terminal,
): Promise<void> {
  const resource = resourceOf(given);
  await withCluster(given, terminal, (cluster) => alterConfigs(cluster, resource, changes));
  terminal.stdout.write(`Changed settings of ${resourceName(resource)}.\n`);
}
