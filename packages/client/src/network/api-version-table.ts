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

/** What one broker serves, as it told on one connection: it may differ between brokers and after a restart. */
export class ApiVersionTable {
  private readonly ranges: ReadonlyMap<number, VersionRange>;

  constructor(ranges: ReadonlyMap<number, VersionRange>) {
    this.ranges = ranges;
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
