package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// The scripts ask the program itself (__complete), so they never grow stale: a
// line for each candidate, with what it is behind a tab, and ":files" where a
// file name may stand.
var completionScripts = map[string]string{
	"bash": `# bash: source <(ewsprobe completion bash)
_ewsprobe() {
  local cur="${COMP_WORDS[COMP_CWORD]}" files= line
  # bash cuts --flag=value into three words.
  if [[ "$cur" == "=" ]]; then cur=; fi
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ "$line" == ":files" ]]; then files=1; else COMPREPLY+=("${line%%$'\t'*}"); fi
  done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD-1}" ".$cur" 2>/dev/null)
  # Without a candidate bash looks for files (-o default): not where none can be.
  if [[ -z "$files" ]]; then compopt +o default 2>/dev/null; fi
}
complete -o default -F _ewsprobe ewsprobe
`,
	"zsh": `#compdef ewsprobe
# zsh: source <(ewsprobe completion zsh)
_ewsprobe() {
  local -a found
  local line files=
  for line in "${(@f)$("${(@Q)words[1]}" __complete "${(@Q)words[2,CURRENT-1]}" ".${(Q)PREFIX}" 2>/dev/null)}"; do
    case "$line" in
      '') ;;
      :files) files=1 ;;
      *$'\t'*) found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
      *) found+=("${line//:/\\:}") ;;
    esac
  done
  (( $#found )) && _describe 'ewsprobe' found
  [[ -n "$files" ]] && _files
}
if [[ "${funcstack[1]}" == _ewsprobe ]]; then
  _ewsprobe "$@"
else
  compdef _ewsprobe ewsprobe
fi
`,
	"fish": `# fish: ewsprobe completion fish | source
function __ewsprobe_complete
  set -l words (commandline -opc)
  set -l cur (commandline -ct)
  set -l found ($words[1] __complete $words[2..-1] ".$cur" 2>/dev/null)
  for line in $found
    if test "$line" = ":files"
      __fish_complete_path $cur
    else
      echo $line
    end
  end
end
complete -c ewsprobe -f -a '(__ewsprobe_complete)'
`,
	"powershell": `# PowerShell: ewsprobe completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName ewsprobe, ewsprobe.exe -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  # The words before the cursor; the one at the cursor comes with a dot in front.
  $words = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
  $program = $commandAst.CommandElements[0].ToString()
  $before = @($words | Select-Object -Skip 1)
  & $program __complete @before ".$wordToComplete" 2>$null | Where-Object { $_ -ne ':files' } | ForEach-Object {
    $word, $about = $_ -split [char]9, 2
    if (-not $about) { $about = $word }
    [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $about)
  }
}
`,
}

func shells() []string { return slices.Sorted(maps.Keys(completionScripts)) }

func completionCommand(std stdio) *cli.Command {
	return &cli.Command{
		Name: "completion", Usage: "prints the completion script of a shell", ArgsUsage: strings.Join(shells(), "|"),
		Description: `For the shell that is open, and behind it where to put the line for good:

bash, in ~/.bashrc:       source <(ewsprobe completion bash)
zsh, in ~/.zshrc behind compinit:  source <(ewsprobe completion zsh)
fish, in ~/.config/fish/config.fish:  ewsprobe completion fish | source
PowerShell, in $PROFILE:  ewsprobe completion powershell | Out-String | Invoke-Expression`,
		Action: func(c *cli.Context) error {
			shell, err := oneArgument(c, "the shell")
			if err != nil {
				return err
			}
			if shell == "pwsh" {
				shell = "powershell"
			}
			script, ok := completionScripts[shell]
			if !ok {
				return usage("there is no completion for %q; use %s", shell, strings.Join(shells(), ", "))
			}
			fmt.Fprint(std.out, script)
			return nil
		},
	}
}
