use std::net::SocketAddr;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples, at a laboratory on this machine:
  isthmus mes upload apps/menu --provider games
  isthmus mes list                                  what the enabler has, from its admin port
  isthmus mes call bob                              call bob, and print what happens
  isthmus mes call bob --application ID --say '{\"type\":\"menu\",\"title\":\"Hello\",\"choices\":[]}'
  isthmus mes connect alice bob                     a session of two; Ctrl-C ends it
  isthmus mes events --listen 127.0.0.1:9000        be the application server that is told of calls
  isthmus mes sessions                              what goes on
  isthmus mes targets                               who does not take notifications
  isthmus mes release http://127.0.0.1:9000         have it tried now

What happens is printed as JSON, one object a line; what there is as a table. docs/mmtel-enabler.md says what it means.";

/// What is to be asked of an enabler.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum MesCommand {
    /// Give an application and its profile to the enabler: configure it, or update it.
    Upload(Upload),
    #[command(flatten)]
    Asking(Asking),
}

/// What is asked over the network, and has one good end.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Asking {
    /// Show applications: those named, as their provider sees them, or all, as the operator does.
    List(List),
    /// Take applications away.
    Delete(Delete),
    /// Have the network call somebody, or connect two, and print what happens until the call ends.
    Call(Call),
    /// Make a session of two, and print what happens until it ends; Ctrl-C ends it.
    Connect(Connect),
    /// End a session that `connect` made, or another consumer of the same name.
    End(End),
    /// Be an application server: take notifications, and print them.
    Events(Events),
    /// Show the sessions that there are.
    Sessions(Admin),
    /// Show the last notifications that were sent, and what was answered.
    Sent(Admin),
    /// Show the targets of notifications that do not answer well.
    Targets(Admin),
    /// Have a target of notifications tried now that did not answer well.
    Release(Release),
}

/// How the enabler's APIs are reached.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Server {
    /// Where the enabler is: its apiRoot.
    #[arg(
        long = "server",
        value_name = "URL",
        default_value = "http://localhost:8080"
    )]
    pub(crate) url: String,
    /// A file whose first line is an access token for the enabler.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// Take any certificate: for a laboratory, whose own is self-signed.
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Trust the certificates of this PEM file, and no others.
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    pub(crate) ca: Option<PathBuf>,
    /// Show this certificate: a PEM file with it and its private key.
    #[arg(long, value_name = "FILE")]
    pub(crate) certificate: Option<PathBuf>,
}

/// How the operators' port is reached.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Admin {
    /// Where the enabler's admin port is.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9090")]
    pub(crate) admin: String,
    /// Print it as the enabler says it, in JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// `isthmus mes upload`
#[derive(Debug, clap::Args)]
pub(crate) struct Upload {
    /// The folder of an application, with its `application.toml`.
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
    /// Whose application it is, in place of the profile's `provider`.
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// A file whose first line is the provider's credential.
    #[arg(long, value_name = "FILE")]
    pub(crate) credential_file: Option<PathBuf>,
    /// Make a new application even if the profile has an `id`.
    #[arg(long)]
    pub(crate) new: bool,
    #[command(flatten)]
    pub(crate) server: Server,
}

/// `isthmus mes list`
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    /// Identifiers of applications; without one, all that the operator sees.
    #[arg(value_name = "ID", requires = "provider")]
    pub(crate) ids: Vec<String>,
    /// Whose applications they are.
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    #[command(flatten)]
    pub(crate) server: Server,
    #[command(flatten)]
    pub(crate) admin: Admin,
}

/// `isthmus mes delete`
#[derive(Debug, clap::Args)]
pub(crate) struct Delete {
    /// Identifiers of applications.
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
    /// Whose applications they are.
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: String,
    #[command(flatten)]
    pub(crate) server: Server,
}

/// Where the enabler tells us what happens.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Listen {
    /// Where we are told what happens; port 0 is a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:0")]
    pub(crate) listen: SocketAddr,
    /// The URL under which the enabler reaches us, if it is not that address.
    #[arg(long, value_name = "URL")]
    pub(crate) notify: Option<String>,
}

/// Whom names are short for.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Domain {
    /// The home domain: `bob` is short for sip:bob@ and this.
    #[arg(
        long,
        value_name = "DOMAIN",
        default_value = "ims.mnc001.mcc001.3gppnetwork.org"
    )]
    pub(crate) domain: String,
}

impl Domain {
    /// The URI that a name is short for.
    pub(super) fn uri(&self, name: &str) -> String {
        let is_uri = ["sip:", "sips:", "tel:"]
            .iter()
            .any(|scheme| name.starts_with(scheme));
        match name {
            _ if is_uri => name.to_owned(),
            _ if name.contains('@') => format!("sip:{name}"),
            _ => format!("sip:{name}@{}", self.domain),
        }
    }
}

/// Who is meant, who is asked, and where what becomes of it is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Way {
    #[command(flatten)]
    pub(crate) domain: Domain,
    #[command(flatten)]
    pub(crate) listen: Listen,
    #[command(flatten)]
    pub(crate) server: Server,
}

/// `isthmus mes call`
#[derive(Debug, clap::Args)]
pub(crate) struct Call {
    /// Who is called: a URI, or a name of the home domain.
    #[arg(value_name = "WHO")]
    pub(crate) who: String,
    /// Connect this one with them: they are called first.
    #[arg(long, value_name = "WHO")]
    pub(crate) from: Option<String>,
    /// With pictures, too.
    #[arg(long)]
    pub(crate) video: bool,
    /// Without sound.
    #[arg(long)]
    pub(crate) no_audio: bool,
    /// With data channels; there are some, too, when there is an application.
    #[arg(long)]
    pub(crate) data: bool,
    /// The application that has a data channel in the call.
    #[arg(long, value_name = "ID")]
    pub(crate) application: Option<String>,
    /// Say this on the application's channel when the call stands: a JSON object, or a text.
    #[arg(long, value_name = "MESSAGE", requires = "application")]
    pub(crate) say: Vec<String>,
    /// Say the lines of standard input on the application's channel.
    #[arg(long, requires = "application")]
    pub(crate) lines: bool,
    #[command(flatten)]
    pub(crate) way: Way,
}

/// `isthmus mes connect`
#[derive(Debug, clap::Args)]
pub(crate) struct Connect {
    /// Who is called first: a URI, or a name of the home domain.
    #[arg(value_name = "CALLING")]
    pub(crate) calling: String,
    /// Who is called then.
    #[arg(value_name = "CALLED")]
    pub(crate) called: String,
    /// With pictures, too.
    #[arg(long)]
    pub(crate) video: bool,
    /// With data channels, too.
    #[arg(long)]
    pub(crate) data: bool,
    /// Who asks: the client of the access token, where there are tokens.
    #[arg(long = "as", value_name = "NAME", default_value = "isthmus")]
    pub(crate) af: String,
    #[command(flatten)]
    pub(crate) way: Way,
}

/// `isthmus mes end`
#[derive(Debug, clap::Args)]
pub(crate) struct End {
    /// The session's identifier.
    #[arg(value_name = "SESSION")]
    pub(crate) session: String,
    #[command(flatten)]
    pub(crate) server: Server,
}

/// `isthmus mes events`
#[derive(Debug, clap::Args)]
pub(crate) struct Events {
    /// Where we are told: what `notify` of `[[mmtel_es.calls.events]]` says.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9000")]
    pub(crate) listen: SocketAddr,
    /// End after so many.
    #[arg(long, value_name = "COUNT")]
    pub(crate) count: Option<usize>,
}

/// `isthmus mes release`
#[derive(Debug, clap::Args)]
pub(crate) struct Release {
    /// Scheme, host and port, as `targets` shows them.
    #[arg(value_name = "TARGET")]
    pub(crate) target: String,
    #[command(flatten)]
    pub(crate) admin: Admin,
}
