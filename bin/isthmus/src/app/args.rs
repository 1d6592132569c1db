use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  isthmus app new board                     a folder with an application that works
  isthmus app check board                   say what would not work, and do nothing
  isthmus app pack board -o board.zip       make a package; the same folder, the same bytes
  isthmus app upload board                  give it to the enabler of a laboratory on this machine

docs/applications.md leads from an empty folder to an application in a call.";

/// What is to be done with an application.
#[derive(Debug, clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub(crate) enum AppCommand {
    /// Begin an application: a folder with a page, a script and a profile that work.
    New(New),
    /// Say what would not work in a call, as the enabler and the page would, and do nothing.
    Check(Check),
    /// Make a package of a folder: a ZIP archive, the same bytes for the same files.
    Pack(Pack),
    /// Give an application and its profile to an enabler: configure it, or update it.
    Upload(Upload),
}

/// `isthmus app new`
#[derive(Debug, clap::Args)]
pub(crate) struct New {
    /// The folder; it must not be there yet, or be empty.
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
    /// What people read in their list of applications [default: the folder's name].
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
}

/// `isthmus app check`
#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// The folder of an application, or a package.
    #[arg(value_name = "FOLDER|PACKAGE")]
    pub(crate) path: PathBuf,
}

/// `isthmus app pack`
#[derive(Debug, clap::Args)]
pub(crate) struct Pack {
    /// The folder of an application, or a package.
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
    /// Where the package goes [default: beside the folder, with `.zip`].
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `isthmus app upload`
#[derive(Debug, clap::Args)]
pub(crate) struct Upload {
    /// The folder of an application, with its `application.toml`.
    #[arg(value_name = "FOLDER")]
    pub(crate) folder: PathBuf,
    /// Where the enabler is; `/mmtel-dcappmgmt/v1` is added.
    #[arg(long, value_name = "URL", default_value = "http://localhost:8080")]
    pub(crate) server: String,
    /// Whose application it is, in place of the profile's `provider`.
    #[arg(long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// A file whose first line is an access token for the enabler.
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// A file whose first line is the provider's credential.
    #[arg(long, value_name = "FILE")]
    pub(crate) credential_file: Option<PathBuf>,
    /// Make a new application even if the profile has an `id`.
    #[arg(long)]
    pub(crate) new: bool,
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
