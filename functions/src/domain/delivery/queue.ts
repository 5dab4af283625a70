/** First attempts and later ones are in queues of their own, so that old retries cannot starve new events. */
export const QUEUES = ["deliverwebhook", "retrywebhook"] as const;
export type QueueName = (typeof QUEUES)[number];

/** Names an attempt to be made: the delivery, and the number of its attempt (from 1). */
export interface AttemptTask {
  project_id: string;
  webhook_id: string;
  delivery_id: string;
  attempt: number;
}

/** A queue that runs each task once its time has come: at least once, in any order. */
export interface Queue {
  /**
   * Adds a task. One of the same name that is there already, or was a short while ago, is fine: nothing happens.
   * Nor does anything when it is due later than the service keeps tasks (29 days; 2 s in the emulator, which has no
   * clock): the sweeper adds what is due.
   * @param name lower-case hex; a task's own, since names that were used are refused for about an hour
   * @param at when it is to run; a time that has passed is now
   * @throws DomainError `unavailable` when the service does not take it.
   */
  enqueue(queue: QueueName, name: string, task: AttemptTask, at: Date): Promise<void>;
}
