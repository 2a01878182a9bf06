import { apiVersionsApi } from '@odradek/protocol/generated/apis/api-versions.ts';
import { describeLogDirsApi } from '@odradek/protocol/generated/apis/describe-log-dirs.ts';
import type { Conversation } from '../wire/compare-with-kafka.ts';

const SOFTWARE_SINCE = 3;

/** Which APIs there are is not compared: we serve fewer. */
const versions: Conversation = async (t) => {
  for (const version of t.versionsOf(apiVersionsApi)) {
    const ask = async (label: string, clientSoftwareName: string, clientSoftwareVersion: string) => {
      const connection = await t.connection();
      const { errorCode, apiKeys } = await connection.ask(apiVersionsApi, version, {
        ...(version < SOFTWARE_SINCE ? {} : { clientSoftwareName, clientSoftwareVersion }),
      });
      t.write(label, apiVersionsApi.name, version, { errorCode, hasKeys: apiKeys.length > 0 });
    };
    await ask('good', 'client-1', '1.0.0');
    if (version >= SOFTWARE_SINCE) {
      await ask('no name', '', '1.0.0');
      await ask('no version', 'client', '');
      await ask('a name with a space', 'cli ent', '1.0.0');
      await ask('a name that ends in a hyphen', 'client-', '1.0.0');
      await ask('a name with an underscore', 'cli_ent', '1.0.0');
      await ask('a version with a slash', 'client', '1/0');
      await ask('a long name', 'x'.repeat(3000), '1.0.0');
    }
  }
};

const directories: Conversation = async (t) => {
  for (const version of t.versionsOf(describeLogDirsApi)) {
    const ask = (label: string, ...topics: { topic: string; partitions: number[] }[]) =>
      t.ask(label, describeLogDirsApi, version, { topics });
    await ask('one', { topic: 'read', partitions: [0] });
    await ask('two of a topic', { topic: 'read', partitions: [0, 1] });
    await ask('two topics', { topic: 'read', partitions: [0] }, { topic: 'trimmed', partitions: [1] });
    await ask('an unknown topic', { topic: 'absent', partitions: [0] });
    await ask('an unknown partition', { topic: 'read', partitions: [9, -1] });
    await ask('no partitions', { topic: 'read', partitions: [] });
    await ask('none');
  }
};

export const brokerConversations: Readonly<Record<string, Conversation>> = {
  'versions of APIs': versions,
  'log directories': directories,
};
