import { finishAll } from "../finishAll.ts";

/** Deliveries and events are spread over so many shards, so that no index is written at its end alone. */
const SHARDS = 16;

/** The shard of an id: its last digit, which is random. */
export const shardOf = (id: string): number => Number.parseInt(id.slice(-1), SHARDS);

/** Does something for each shard, at once. One that fails does not keep the others from their work. */
export async function eachShard(work: (shard: number) => Promise<void>): Promise<void> {
  const works = Array.from({ length: SHARDS }, (_, shard) => work(shard));
  await finishAll(works, "not every shard was swept");
}
