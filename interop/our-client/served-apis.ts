import { Cluster } from '@odradek/client/index.ts';
import { apiVersionsApi } from '@odradek/protocol/generated/apis/api-versions.ts';

/** The keys of the APIs that a broker says it serves. */
export async function servedApis(bootstrap: string): Promise<ReadonlySet<number>> {
  const cluster = new Cluster({ bootstrapServers: bootstrap });
  try {
    const { apiKeys } = await cluster.requestToAny(apiVersionsApi, {
      clientSoftwareName: 'prove-our-client',
      clientSoftwareVersion: '1',
    });
    return new Set(apiKeys.map(({ apiKey }) => apiKey));
  } finally {
    cluster.close();
  }
}
