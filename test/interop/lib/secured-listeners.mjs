/**
 * Listeners that ask for TLS and SASL, for Apache Kafka: what stands in server.properties beside the plain ones. Certificates
 * are those of test/golden/tls; alice's password is `alice secret`, everyone may sign in by OAUTHBEARER.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../../../scripts/setup.mjs'
import { freePort } from './broker.mjs'

export const TLS = join(ROOT, 'test', 'golden', 'tls')
const file = (name) => readFileSync(join(TLS, name))
const MODULES = 'org.apache.kafka.common.security'
const PLAIN = `${MODULES}.plain.PlainLoginModule required`
export const SCRAM = `${MODULES}.scram.ScramLoginModule required`
const OAUTH = `${MODULES}.oauthbearer.OAuthBearerLoginModule required`

/** Listeners by name, with their protocols. */
export const LISTENERS = {
  SSL: 'SSL',
  MUTUAL: 'SSL',
  SASL: 'SASL_PLAINTEXT',
  BOTH: 'SASL_SSL',
  SHORT: 'SASL_PLAINTEXT',
}

function settings(directory, ports) {
  const keystore = join(directory, 'server.keystore.pem')
  writeFileSync(keystore, Buffer.concat([file('server.key'), file('server.pem')]))
  const listeners = Object.keys(LISTENERS).map((name) => `${name}://localhost:${ports[name]}`)
  const protocols = Object.entries(LISTENERS).map(([name, protocol]) => `${name}:${protocol}`)
  const found = {
    extra: listeners.join(','),
    'listener.security.protocol.map': `PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,${protocols.join(',')}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.name.mutual.ssl.client.auth': 'required',
    'listener.name.short.connections.max.reauth.ms': '2000',
    'delegation.token.secret.key': 'test',
  }
  for (const [name, protocol] of Object.entries(LISTENERS)) {
    const prefix = `listener.name.${name.toLowerCase()}`
    if (protocol.endsWith('SSL')) {
      Object.assign(found, {
        [`${prefix}.ssl.keystore.type`]: 'PEM',
        [`${prefix}.ssl.keystore.location`]: keystore,
        [`${prefix}.ssl.truststore.type`]: 'PEM',
        [`${prefix}.ssl.truststore.location`]: join(TLS, 'ca.pem'),
      })
    }
    if (protocol.startsWith('SASL')) {
      Object.assign(found, {
        [`${prefix}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
        [`${prefix}.plain.sasl.jaas.config`]: `${PLAIN} user_alice="alice secret";`,
        [`${prefix}.scram-sha-256.sasl.jaas.config`]: `${SCRAM};`,
        [`${prefix}.scram-sha-512.sasl.jaas.config`]: `${SCRAM};`,
        [`${prefix}.oauthbearer.sasl.jaas.config`]: `${OAUTH} unsecuredLoginStringClaim_sub="kafka";`,
      })
    }
  }
  return found
}

/**
 * Adds the listeners to a place's server.properties.
 * @param {import('./broker.mjs').Place} place
 * @returns {Promise<(listener: keyof typeof LISTENERS) => string>} their addresses
 */
export async function addSecuredListeners(place) {
  const ports = {}
  for (const listener of Object.keys(LISTENERS)) ports[listener] = await freePort()
  const { extra, ...others } = settings(place.directory, ports)
  const lines = Object.entries(others).map(([key, value]) => `${key}=${value}\n`)
  const properties = readFileSync(place.propertiesFile, 'utf8')
  const listening = properties.replaceAll(/^((?:advertised\.)?listeners=.*)$/gm, `$1,${extra}`)
  writeFileSync(place.propertiesFile, listening + lines.join(''))
  return (listener) => `localhost:${ports[listener]}`
}

/** An authorizer that lets everybody in, beside them: for tools that make rules and tokens. */
export const FOR_TOOLS = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS;User:alice',
  'allow.everyone.if.no.acl.found': 'true',
}
