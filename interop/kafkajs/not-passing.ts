/** Cases of KafkaJS's suite that do not pass, by file, and why. */
export const NOT_PASSING: Readonly<Record<string, Readonly<Record<string, string>>>> = {};
