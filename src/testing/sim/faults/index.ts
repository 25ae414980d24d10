/** Every fault; a run draws from this list. */
import type { Fault } from '../fault.ts'
import { clockJump } from './clock-faults.ts'
import { bitRot, diskFull, hungDisk, readError, slowDisk, syncError, writeError } from './disk-faults.ts'
import { delays, partition, resets } from './network-faults.ts'
import { cleanRestart, crash, crashLoop, endUnheard, powerLoss, restartWithin } from './process-faults.ts'

export const FAULTS: readonly Fault[] = [
  crash,
  crash,
  endUnheard,
  endUnheard,
  powerLoss,
  powerLoss,
  cleanRestart,
  restartWithin,
  crashLoop,
  writeError,
  syncError,
  readError,
  diskFull,
  slowDisk,
  hungDisk,
  bitRot,
  resets,
  partition,
  delays,
  clockJump,
]
