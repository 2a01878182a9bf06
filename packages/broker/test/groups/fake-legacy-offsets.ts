import type { LegacyOffsets } from '../../src/groups/legacy-offsets.ts';

/** The offsets of version 0 in a map. */
export class FakeLegacyOffsets {
  readonly stored = new Map<string, number>();
  errorCode = 0;

  asPort(): LegacyOffsets {
    const fake: Pick<LegacyOffsets, 'commit' | 'fetch'> = {
      commit: async (groupId, topic, partition, offset) => {
        if (this.errorCode === 0) this.stored.set(`${groupId}/${topic}/${partition}`, offset);
        return this.errorCode;
      },
      fetch: async (groupId, topic, partition) => ({
        errorCode: this.errorCode,
        offset: this.stored.get(`${groupId}/${topic}/${partition}`) ?? null,
      }),
    };
    return fake as LegacyOffsets;
  }
}
