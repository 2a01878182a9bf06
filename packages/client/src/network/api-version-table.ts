import { UnsupportedApiError } from '../errors.ts';

/** An inclusive range of versions of one API. */
export interface VersionRange {
  readonly min: number;
  readonly max: number;
}

interface KnownApi {
  readonly key: number;
  readonly name: string;
  readonly versionMin: number;
  readonly versionMax: number;
}

/** What the whole cluster agreed on (KIP-584), as one broker knew it. */
export interface FinalizedFeatures {
  /** Higher is newer; -1 when the broker tells of none. */
  readonly epoch: number;
  /** By name, the level that is in force. */
  readonly levels: ReadonlyMap<string, number>;
}

export const NO_FEATURES: FinalizedFeatures = { epoch: -1, levels: new Map() };

/** What one broker serves, as it told on one connection: it may differ between brokers and after a restart. */
export class ApiVersionTable {
  readonly features: FinalizedFeatures;
  private readonly ranges: ReadonlyMap<number, VersionRange>;

  constructor(ranges: ReadonlyMap<number, VersionRange>, features = NO_FEATURES) {
    this.ranges = ranges;
    this.features = features;
  }

  /**
   * The highest version that both sides know, or null when there is none.
   *
   * @param versionMax a bound of the caller, who may be unable to fill what newer versions need
   */
  common(api: KnownApi, versionMax = api.versionMax): number | null {
    const served = this.ranges.get(api.key);
    if (served === undefined) return null;
    const version = Math.min(served.max, api.versionMax, versionMax);
    return version >= Math.max(served.min, api.versionMin) ? version : null;
  }

  /** @throws UnsupportedApiError naming both ranges */
  commonOrThrow(api: KnownApi, versionMax = api.versionMax): number {
    const version = this.common(api, versionMax);
    if (version !== null) return version;
    const served = this.ranges.get(api.key);
    const known = `versions ${api.versionMin} to ${Math.min(api.versionMax, versionMax)} are needed`;
    throw new UnsupportedApiError(
      served === undefined
        ? `the broker does not serve ${api.name}`
        : `the broker serves ${api.name} in versions ${served.min} to ${served.max}, ${known}`,
    );
  }
}
