/** One run of a test broker, from start to close or kill. Nothing of a run that has ended goes on. */
export class TestProcess {
  isAlive = true
}
