/** The greatest 32-bit integer. */
export const INT_MAX = 2_147_483_647;

/** Stands for 2^63 - 1, which has no exact JS number: written out as 9223372036854775807. */
export const LONG_MAX = 2 ** 63;
