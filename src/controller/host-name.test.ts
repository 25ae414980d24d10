import { expect, test } from 'vitest'
import { isHost } from './host-name.ts'

const GOOD = [
  '127.0.0.1',
  '1',
  '1.2',
  '::1',
  '[::1]',
  'fe80::1%eth0',
  '::ffff:1.2.3.4',
  'localhost',
  'a-b.example',
  'a_b',
  'a.',
]
const BAD = [
  '',
  ' ',
  'no such host',
  '300.1.1.1',
  '1.2.3.4.5',
  '[1.2.3.4]',
  '[localhost]',
  '::1::',
  ':',
  '[',
  'a..b',
  '.a',
  'a/b',
  'a:1',
  'ü',
]

test('addresses and names are told from what can be neither', () => {
  expect(GOOD.filter((text) => !isHost(text))).toEqual([])
  expect(BAD.filter(isHost)).toEqual([])
})
