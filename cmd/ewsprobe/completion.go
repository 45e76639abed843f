package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// The scripts ask the program itself (--generate-bash-completion, which
// urfave/cli answers), so they never grow stale.
var completionScripts = map[string]string{
	"bash": `# bash: source <(ewsprobe completion bash)
_ewsprobe() {
  local cur words
  cur="${COMP_WORDS[COMP_CWORD]}"
  words=("${COMP_WORDS[@]:0:$COMP_CWORD}")
  if [[ "$cur" == -* ]]; then
    COMPREPLY=($(compgen -W "$("${words[@]}" "$cur" --generate-bash-completion 2>/dev/null | cut -d: -f1)" -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$("${words[@]}" --generate-bash-completion 2>/dev/null | cut -d: -f1)" -- "$cur"))
    COMPREPLY+=($(compgen -f -- "$cur"))
  fi
}
complete -o filenames -F _ewsprobe ewsprobe
`,
	"zsh": `#compdef ewsprobe
# zsh: source <(ewsprobe completion zsh)
_ewsprobe() {
  local -a opts
  local cur=${words[-1]}
  if [[ "$cur" == -* ]]; then
    opts=("${(@f)$(${words[@]:0:#words[@]-1} ${cur} --generate-bash-completion 2>/dev/null)}")
  else
    opts=("${(@f)$(${words[@]:0:#words[@]-1} --generate-bash-completion 2>/dev/null)}")
  fi
  if [[ -n "${opts[1]}" ]]; then
    _describe 'values' opts
  fi
  _files
}
compdef _ewsprobe ewsprobe
`,
	"fish": `# fish: ewsprobe completion fish | source
function __ewsprobe_complete
  set -l words (commandline -opc)
  set -l cur (commandline -ct)
  if string match -q -- '-*' $cur
    $words $cur --generate-bash-completion 2>/dev/null | string replace -r ':' \t
  else
    $words --generate-bash-completion 2>/dev/null | string replace -r ':' \t
  end
end
complete -c ewsprobe -a '(__ewsprobe_complete)'
`,
	"powershell": `# PowerShell: ewsprobe completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName ewsprobe, ewsprobe.exe -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | ForEach-Object { $_.ToString() })
  $given = @($words | Select-Object -Skip 1)
  if ($wordToComplete -ne '' -and $wordToComplete -notlike '-*') {
    $given = @($given | Select-Object -SkipLast 1)
  }
  & $words[0] @given '--generate-bash-completion' 2>$null |
    ForEach-Object { ($_ -split ':')[0] } |
    Where-Object { $_ -like "$wordToComplete*" } |
    ForEach-Object { [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_) }
}
`,
}

func completionCommand(std stdio) *cli.Command {
	shells := slices.Sorted(maps.Keys(completionScripts))
	return &cli.Command{
		Name: "completion", Usage: "prints the completion script of a shell", ArgsUsage: strings.Join(shells, "|"),
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
				return usage("there is no completion for %q; use %s", shell, strings.Join(shells, ", "))
			}
			fmt.Fprint(std.out, script)
			return nil
		},
	}
}
