/** `klamm completion bash|zsh|fish`: scripts that ask `klamm __complete` what could stand where the cursor is. */
import type { Run } from './command.ts'
import { usageError } from './exits.ts'

const BASH = `# klamm completion bash > ~/.local/share/bash-completion/completions/klamm
_klamm() {
  local cur=\${COMP_WORDS[COMP_CWORD]} line
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = ':files' ]; then
      while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "$cur")
      return
    fi
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("\${COMP_WORDS[0]}" __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2> /dev/null)
}
complete -F _klamm klamm`

const ZSH = `#compdef klamm
# klamm completion zsh > "\${fpath[1]}/_klamm"
_klamm() {
  local line
  local -a lines names texts
  lines=("\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2> /dev/null)}")
  if [[ "\${lines[1]}" == ':files' ]]; then
    _files
    return
  fi
  for line in $lines; do
    names+=("\${line%%$'\\t'*}")
    texts+=("\${line/$'\\t'/  -- }")
  done
  compadd -l -d texts -a names
}
if [ "$funcstack[1]" = _klamm ]; then _klamm "$@"; else compdef _klamm klamm; fi`

const FISH = `# klamm completion fish > ~/.config/fish/completions/klamm.fish
function __klamm_complete
  set -l before (commandline -opc)
  set -l current (commandline -ct)
  set -l lines ($before[1] __complete $before[2..-1] "$current" 2> /dev/null)
  if test "$lines[1]" = ':files'
    __fish_complete_path "$current"
  else
    printf '%s\\n' $lines
  end
end
complete -c klamm -f -a '(__klamm_complete)'`

const SCRIPTS: ReadonlyMap<string, string> = new Map([
  ['bash', BASH],
  ['zsh', ZSH],
  ['fish', FISH],
])

export const printCompletion: Run = ({ words, host }) => {
  const [shell = ''] = words.positionals
  const script = SCRIPTS.get(shell)
  if (script === undefined)
    throw usageError(`There are scripts for bash, zsh and fish, not for ${shell}.`, 'klamm completion')
  host.terminal.out(script)
  return Promise.resolve()
}
