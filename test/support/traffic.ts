import { Agent } from 'node:https';
import { ask, type Question, type Reply } from './ask.ts';

/** Clients that ask one after the other until they are stopped. */
export interface Traffic {
  /** How many answers came so far. */
  readonly answered: number;
  /** What went wrong: answers that `isGood` refuses, and errors. */
  readonly failures: readonly string[];
  stop(): Promise<void>;
}

export interface TrafficPlan {
  /** Clients that keep their connection. */
  readonly keeping: number;
  /** Clients that make a new one for every request. */
  readonly fresh: number;
  readonly question?: Question;
  /** Default: status 200. */
  readonly isGood?: (reply: Reply) => boolean;
}

/** Starts clients against a gateway. */
export function startTraffic(
  house: { readonly port: number; readonly ca: string },
  plan: TrafficPlan,
): Traffic {
  const { keeping, fresh, question, isGood = (reply) => reply.status === 200 } = plan;
  const agents = Array.from({ length: keeping }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  const failures: string[] = [];
  let answered = 0;
  let stopped = false;
  const client = async (agent: Agent | undefined): Promise<void> => {
    while (!stopped) {
      try {
        const reply = await ask(house, { ...question, ...(agent === undefined ? {} : { agent }) });
        answered++;
        if (!isGood(reply)) failures.push(`${reply.status} ${reply.text.slice(0, 200)}`);
      } catch (error) {
        failures.push(String(error));
      }
    }
  };
  const clients = [...agents, ...Array.from({ length: fresh }, () => undefined)].map(client);
  return {
    get answered() {
      return answered;
    },
    failures,
    async stop() {
      stopped = true;
      await Promise.all(clients);
      for (const agent of agents) agent.destroy();
    },
  };
}
