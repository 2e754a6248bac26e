import { crop, type Line } from '../../telemetry/observe/line.ts';
import { paint } from './paint.ts';
import { Screen } from './screen.ts';

/** Lines that are redrawn in place, on a screen of their own. */
export interface Redrawn {
  draw(): void;
  /** What was seen last stays in the terminal's history. */
  end(): void;
}

/**
 * @param current what is to be seen now
 * @param more what to do where not all of it fits
 */
export const redrawn = (current: () => readonly Line[], more?: string): Redrawn => {
  const screen = new Screen(process.stdout);
  const draw = (): void =>
    screen.draw(paint(crop(current(), screen.columns, screen.rows, more), process.stdout));
  const suspend = (): void => {
    screen.leave();
    process.kill(process.pid, 'SIGSTOP');
  };
  const resume = (): void => {
    screen.enter();
    draw();
  };
  process.stdout.on('resize', draw);
  process.on('SIGTSTP', suspend);
  process.on('SIGCONT', resume);
  resume();
  return {
    draw,
    end: () => {
      process.stdout.off('resize', draw);
      process.off('SIGTSTP', suspend);
      process.off('SIGCONT', resume);
      screen.leave();
      for (const line of paint(current(), process.stdout)) process.stdout.write(`${line}\n`);
    },
  };
};
