class Ewsprobe < Formula
  desc "Says why Dynamics 365 gets 401 from Exchange Web Services"
  homepage "https://github.com/ewsprobe/ewsprobe"
  version "@VERSION@"
  license "MIT"

  on_macos do
    on_arm do
      url "https://github.com/ewsprobe/ewsprobe/releases/download/v@VERSION@/ewsprobe-@VERSION@-darwin-arm64.tar.gz"
      sha256 "@SHA256 ewsprobe-@VERSION@-darwin-arm64.tar.gz@"
    end
    on_intel do
      url "https://github.com/ewsprobe/ewsprobe/releases/download/v@VERSION@/ewsprobe-@VERSION@-darwin-amd64.tar.gz"
      sha256 "@SHA256 ewsprobe-@VERSION@-darwin-amd64.tar.gz@"
    end
  end

  on_linux do
    on_arm do
      url "https://github.com/ewsprobe/ewsprobe/releases/download/v@VERSION@/ewsprobe-@VERSION@-linux-arm64.tar.gz"
      sha256 "@SHA256 ewsprobe-@VERSION@-linux-arm64.tar.gz@"
    end
    on_intel do
      url "https://github.com/ewsprobe/ewsprobe/releases/download/v@VERSION@/ewsprobe-@VERSION@-linux-amd64.tar.gz"
      sha256 "@SHA256 ewsprobe-@VERSION@-linux-amd64.tar.gz@"
    end
  end

  def install
    bin.install "ewsprobe"
    man1.install "ewsprobe.1"
    bash_completion.install "completions/ewsprobe.bash" => "ewsprobe"
    zsh_completion.install "completions/ewsprobe.zsh" => "_ewsprobe"
    fish_completion.install "completions/ewsprobe.fish"
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/ewsprobe version")
  end
end
