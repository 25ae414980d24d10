/**
 * One machine of a simulation: a disk that outlives the processes on it, a clock with a skew, an address. One process runs
 * on it at a time; `crash` and `powerLoss` end it, and `world` is then that of the next.
 */
import type { Compute, World } from '../world/world.ts'
import { SeededClock, type ClockSkew } from './seeded-clock.ts'
import { SeededDisk } from './seeded-disk.ts'
import type { NetworkHost, SeededNetwork } from './seeded-network.ts'
import type { SeededRandom } from './seeded-random.ts'
import type { SimEvents, SimProcess } from './sim-events.ts'

export class SeededNode implements NetworkHost {
  readonly name: string
  readonly ip: string
  readonly disk: SeededDisk
  readonly #events: SimEvents
  readonly #random: SeededRandom
  readonly #network: SeededNetwork
  readonly #skew: ClockSkew
  #process: SimProcess = { alive: true }
  #world: World

  constructor(
    name: string,
    ip: string,
    events: SimEvents,
    random: SeededRandom,
    network: SeededNetwork,
    skew: ClockSkew,
  ) {
    this.name = name
    this.ip = ip
    this.#events = events
    this.#random = random
    this.#network = network
    this.#skew = skew
    this.disk = new SeededDisk(events, random.fork('disk'), name, this.#process, () => this.#world.clock.wallMs())
    this.#world = this.#newWorld()
  }

  /** Of the process that runs now. */
  get world(): World {
    return this.#world
  }

  /** Timers and operations of the process that runs now. */
  pending(): string[] {
    return this.#events.pendingOf(this.#process)
  }

  /** The process dies at this event, as by kill -9: nothing of it runs on. */
  crash(): void {
    this.#process.alive = false
    this.disk.crash()
    this.#network.crashed(this.#process)
    this.#process = { alive: true }
    this.#world = this.#newWorld()
  }

  /** The machine dies with what its disk had not synced. */
  powerLoss(): void {
    this.crash()
    this.disk.losePower()
  }

  /** The process stands still, as by SIGSTOP; what comes for it waits. */
  pause(ms: number): void {
    this.#process.pausedUntilUs = this.#events.nowUs + Math.round(ms * 1000)
  }

  /** The wall clock jumps; the monotonic one does not. */
  jumpWallClock(byMs: number): void {
    this.#skew.offsetMs += byMs
  }

  #newWorld(): World {
    const process = this.#process
    const random = this.#random.fork('process')
    return {
      clock: new SeededClock(this.#events, random.fork('clock'), process, this.#skew),
      random: random.fork('random'),
      disk: this.disk.mount(process),
      network: this.#network.of(this, process),
      compute: this.#compute(process, random.fork('compute')),
    }
  }

  #compute(process: SimProcess, random: SeededRandom): Compute {
    return {
      run: (task) =>
        new Promise((resolve, reject) => {
          this.#events.schedule(random.between(10, 5000), `${this.name} compute`, process, () => {
            Promise.resolve()
              .then(() => task())
              .then(resolve, reject)
          })
        }),
    }
  }
}
