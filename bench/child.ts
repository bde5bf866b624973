import { fork } from 'node:child_process';
import { constants, setPriority } from 'node:os';

/** Clients in a process of their own, so that who measures is not held up by them. It says something once it can work, and answers each order with a report. */
export type Child<Order, Report> = {
  ask(order: Order): Promise<Report>;
  end(): void;
};

/** Starts `file`. Clients have machines of their own: theirs is not to take the processor from what is measured. */
export const startChild = async <Order extends object, Report>(file: string): Promise<Child<Order, Report>> => {
  const child = fork(file, { stdio: 'inherit' });
  if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  const next = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      child.once('message', resolve);
      child.once('exit', (code) => reject(new Error(`${file} ended with ${code}`)));
    });
  await next();
  return {
    ask(order) {
      const answer = next() as Promise<Report>;
      child.send(order);
      return answer;
    },
    end: () => void child.kill(),
  };
};
