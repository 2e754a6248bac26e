# A legacy client in core Perl: YAML with a document start, the signed text between double quotes, headers of frames with
# content-length; and as strict with replies as MCollective's own client: it believes the daemons' key alone.
#
# Reads a JSON object from standard input, sends one request, and prints a JSON object for each reply until `expect` have come
# or `patience` seconds are over. Signs and verifies with the program openssl; with `psk` as the PSK plugin does.
use strict;
use warnings;
use Digest::MD5 qw(md5_hex);
use File::Temp qw(tempfile);
use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use MIME::Base64;

my $ask = decode_json(do { local $/; <STDIN> });
my $now = time + $ask->{clock};
my $place = "/queue/$ask->{collective}.reply.perl_$$.$ask->{queue}";

sub file_of {
    my ($handle, $name) = tempfile(UNLINK => 1);
    binmode $handle;
    print $handle $_[0];
    close $handle;
    return $name;
}

sub signature_of {
    my $file = file_of($_[0]);
    open my $out, '-|', 'openssl', 'dgst', '-sha1', '-sign', $ask->{key}, $file or die "no openssl: $!";
    binmode $out;
    my $raw = do { local $/; <$out> };
    close $out or die "openssl cannot sign";
    return encode_base64($raw, '');
}

sub is_signed {
    my ($text, $hash) = @_;
    my $signature = file_of(decode_base64($hash));
    my @command = ('openssl', 'dgst', '-sha1', '-verify', $ask->{serverKey}, '-signature', $signature, file_of($text));
    open my $out, '-|', @command or die "no openssl: $!";
    my $said = do { local $/; <$out> };
    close $out;
    return $said =~ /^Verified OK/;
}

# Between double quotes, as YAML and JSON write it alike.
sub quoted { return JSON::PP->new->allow_nonref->encode($_[0]) }

my $payload = $ask->{agent} eq 'discovery'
    ? "--- ping\n"
    : "---\n:agent: $ask->{agent}\n:action: $ask->{action}\n:caller: $ask->{caller}\n:data:\n  :process_results: true\n";
my $body = $payload;
if (!$ask->{bare}) {
    my $inside = quoted($ask->{agent} eq 'discovery' ? 'ping' : '');
    if ($ask->{agent} ne 'discovery') {
        ($inside = $payload) =~ s/^---\n//;
        $inside =~ s/^/  /mg;
        $inside = "\n$inside";
        chomp $inside;
    }
    $body = "---\n:ssl_msg: $inside\n:ssl_ttl: $ask->{ttl}\n:ssl_msgtime: $now\n";
}
my $hash = defined $ask->{psk} ? md5_hex($body . $ask->{psk}) : signature_of($body);
my $message = join '', "---\n", ":senderid: 'perl: desk 7'\n", ":requestid: $ask->{id}\n", ":callerid: $ask->{caller}\n",
    ":collective: $ask->{collective}\n", ":agent: $ask->{agent}\n", ":ttl: $ask->{ttl}\n", ":msgtime: $now\n",
    ":filter:\n", (map { "  $_: []\n" } qw(agent cf_class compound fact identity)),
    ':body: ', quoted($body), "\n", ':hash: ', quoted($hash), "\n";

my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $ask->{port}) or die "no connection: $!";
binmode $socket;

sub send_frame {
    my ($command, $headers, $text) = @_;
    my $length = length $text;
    my $head = join '', "$command\n", (map { "$_:$headers->{$_}\n" } sort keys %$headers), "content-length:$length\n";
    print $socket "$head\n$text\0";
    $socket->flush;
}

# A scalar of a mapping's line: between quotes, as a block, or plain.
sub scalar_of {
    my ($document, $name) = @_;
    return undef unless $document =~ /^:$name: ?(.*)$/m;
    my ($first, $rest) = ($1, substr $document, $+[0] + 1);
    if ($first =~ /^\|(\d?)([-+]?)$/) {
        my $chomp = $2;
        my $indent = $1 || length(($rest =~ /\A(?: *\n)*( +)/)[0]);
        my $text = '';
        for my $line (split /(?<=\n)/, $rest) {
            last unless $line =~ /^ {$indent}/ || $line =~ /^ *\n/;
            $text .= length $line > $indent ? substr($line, $indent) : "\n";
        }
        $text =~ s/\n+\z/\n/ unless $chomp eq '+';
        chomp $text if $chomp eq '-';
        return $text;
    }
    return JSON::PP->new->allow_nonref->decode($first) if $first =~ /^"/;
    return $first =~ s/''/'/gr if $first =~ s/^'(.*)'$/$1/;
    return $first;
}

sub told {
    my ($frame) = @_;
    my ($head, $text) = $frame =~ /\A\s*(.*?)\n\n(.*)\z/s or return 0;
    return 0 unless $head =~ /^MESSAGE$/m;
    my $reply = scalar_of($text, 'body');
    die "a reply without a body" unless defined $reply;
    die "a reply that the daemons' key has not signed" unless is_signed($reply, scalar_of($text, 'hash'));
    my %said = (sender => scalar_of($text, 'senderid'), id => scalar_of($text, 'requestid'), text => $reply);
    print JSON::PP->new->canonical->utf8->encode(\%said), "\n";
    return 1;
}

send_frame('CONNECT', { login => $ask->{user}, passcode => $ask->{password} }, '');
send_frame('SUBSCRIBE', { destination => $place, id => 1 }, '');
send_frame('SEND', { destination => "/topic/$ask->{collective}.$ask->{agent}.agent", 'reply-to' => $place }, $message);

my ($received, $replies, $select) = ('', 0, IO::Select->new($socket));
my $deadline = time + $ask->{patience};
while ($replies < $ask->{expect} && time < $deadline) {
    next unless $select->can_read(0.2);
    sysread($socket, $received, 65536, length $received) or die "the broker has hung up";
    while ($received =~ s/\A(.*?)\0//s) { $replies += told($1) }
}
