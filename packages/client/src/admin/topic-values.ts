import { ErrorCode } from '@odradek/protocol/errors.ts';
import { describeConfigsApi } from '@odradek/protocol/generated/apis/describe-configs.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { ConnectionError } from '../errors.ts';

const TOPIC_RESOURCE = 2;
/** So many topics are asked for at once. */
const CHUNK = 500;

/**
 * One setting of many topics, as it is in force for each.
 * @returns by topic; those without are left out: they are gone, or may not be asked for
 */
export async function topicValues(
  cluster: Cluster,
  topics: readonly string[],
  setting: string,
): Promise<ReadonlyMap<string, string>> {
  const values = new Map<string, string>();
  for (let from = 0; from < topics.length; from += CHUNK) {
    const resources = topics.slice(from, from + CHUNK).map((resourceName) => ({
      resourceType: TOPIC_RESOURCE,
      resourceName,
      configurationKeys: [setting],
    }));
    const [node] = await cluster.nodes();
    if (node === undefined) throw new ConnectionError('no broker of the cluster is known');
    const { results } = await cluster.request(node, describeConfigsApi, { resources });
    for (const { errorCode, resourceName, configs } of results) {
      const value = configs[0]?.value ?? null;
      if (errorCode === ErrorCode.NONE && value !== null) values.set(resourceName, value);
    }
  }
  return values;
}
