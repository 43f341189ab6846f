"""Names of services that give out keys without letters of their own; beside one of these an opaque word is a key.

The names under which the public rule sets (kingfisher, trufflehog, gitleaks) file such services, without those that
are ordinary words or parts of a data platform: they stand beside harmless ids in every log.
"""

from __future__ import annotations

_NAMES = """
1password abuseipdb abyssale accuweather adafruit adafruitio adobe adobeio adzuna aeroworkflow airbrake
airbrakeproject airbrakeuser airtable airvisual aiven alconost alegra aletheia algolia algoliaadmin alibaba
alienvault allsports amadeus ambee amplitude anthropic anypoint apacta api2cart apideck apiflash apifonica apify
apilayer apimatic apimetrics apitemplate apollo appcues appfollow appointedd appoptics appsynergy apptivo
artifactoryreference assemblyai atera atlassian atlassiandatacenter auth0 auth0management authress autodesk
autoklose autopilot avaza aviationstack axonaut aylien ayrshare azureapimanagement azureapimanagementsubscription
azureappconfigconnectionstring azurebatch azurecontainerregistry azurecosmosdb azuredevops azuredirectmanagement
azureentra azurefunction azureopenai azuresas azuresearchadmin azuresearchquery azurestorage bannerbear baremetrics
beebole besnappy besttime betterstack billomat bitbar bitbucket bitbucketapppassword bitcoinaverage bitfinex bitly
bitmex bittrex blazemeter blitapp blocknative blynk bombbomb boostnote borgbase boxcom braintreepayments braintrust
brandfetch browserstack browshot bscscan buddyns budibase bugherd bugsnag buildkite bulbul bulksms buttercms caflou
calendarific calendly calorieninja cannyio capsulecrm captaindata carboninterface cashboard caspio censys
centralstationcrm cexio chartmogul chatfule checio checklyhq checkvist cicero circleci clarifai clickhelp clickhouse
clicksendsms clickup cliengo clientary clinchpad clockify clockworksms clojars closecrm cloudconvert cloudelements
cloudflare cloudflareca cloudflareglobal cloudimage cloudinary cloudmersive cloudplan cloudsight cloudsmith cloverly
cloze clustdoc codacy codeclimate codecov codemagic codequiry cohere coinbase coinlayer coinlib collect2 commercejs
companyhub contentful conversiontools convert convertkit convier countrylayer coveralls craftmypdf cratesio crowdin
cryptocompare currencycloud currencyfreaks currencylayer currencyscoop currents customerio d7network dailyco
dareboost databox datadog datagov deepai deepgram deepseek definednetworking delighted demio dependencytrack
detectlanguage dfuse diffbot diggernaut digitalocean discord discordbot disqus dnscheck docparser documo doppler
dotdigital dronahq droneci dropbox duffel duply dwolla dynalist dynatrace dyspatch eagleeyenetworks easyinsight
easypost ecostruxureit edamam edenai eightxeight elasticemail elevenlabs enablex endorlabs envoy etherscan ethplorer
eventbrite everhour exchangerate exchangerates exportsdk extractor faceplusplus fastforex fastly feedier fetchrss
fibery figma fileio financialmodelingprep findl finicity finnhub fixerio flatio fleetbase flexport flickr flight
flightlabs flightstats flowflu flutterwave flyio formbucket formcraft formio formsite foursquare frameio freemius
freshbooks freshdesk fullstory fxmarket gcpapplicationdefaultcredentials geckoboard gengo geoapify geocode geocodify
geocodio geoipifi getemail getemails getgeo getgist getresponse getsandbox githubapp glassnode gocanvas gocardless
godaddy googlegemini grafana grafanaserviceaccount graphcms graphhopper groovehq gtmetrix guardian gumroad gyazo
happyscribe hashicorp hashicorpvault hashicorpvaultauth hellosign helpcrunch helpscout heroku hiveage holiday
honeycomb html2pdf hubspot huggingface hybiscus hypertrack ibmclouduser iconfinder iexapis iexcloud imagekit imagga
infracost infura insightly instamojo intercom interseller intra42 intrinio invoiceocean ip2location ipgeolocation
ipinfo ipinfodb ipquality ipstack jfrog jotform jumpcloud kanbantool karmacrm keenio kickbox klaviyo klipfolio
knapsackpro kontent kubernetes kucoin kylas langfuse langsmith languagelayer larksuite launchdarkly leadfeeder
lemlist lemonsqueezy lendflow lessannoyingcrm linemessaging linenotify linkpreview liveagent livestorm loadmill
locationiq loggly loginradius logzio lokalise loyverse lunchmoney madkudu mailboxlayer mailchimp mailerlite mailgun
mailjetbasicauth mailjetsms mailmodo mailsac mapbox mapquest marketstack mattermost mavenlink maxmind maxmindlicense
meaningcloud mediastack meistertask mesibo messagebird metabase metrilo microsoftteams mindmeister mixmax mixpanel
mockaroo monkeylearn moonclerk moosend moralis mrticktock myfreshworks myintervals nasdaqdatalink nethunt netlify
netsuite neutrino newrelic newrelicbrowser newrelicinsightsinsert newrelicinsightsquery newreliclicense
newrelicmobileapp newrelicuser newscatcher nexmo nftport ngrok nicereply nightfall nozbeteams npmtoken nuget
numverify nutritionix nylas nytimes oanda octopusdeploy omnisend onelogin onepagecrm onesignal onfleet oopspam
openai openaiadmin opencagedata openrouter openshift openuv openvpn openweather opsgenie owlbot packagecloud pagarme
pagerduty pandadoc pandascore paralleldots parsehub particleio partnerstack pastebin paydirtapp paymoapp paymongo
paypal paystack pdflayer pdfshift peopledatalabs pepipost perplexity pganalyzeread photoroom phrase pinata pinecone
pipedream pipedrive pivotaltracker pixabay plaid planetscale planetscaledb planyo plivo podio polls poloniex
portainer positionstack postageapp posthog powrbot privateai prodpad prospectcrm protocolsio proxycrawl pubnub
pubnubpublish pubnubsubscription pulumi purestake pushbullet pusherchannel qualaroo qubole railwayapp rapid razorpay
reachmail reallysimplesystems rebrandly rechargepayments redhatpyxis rentman repairshopr replyio requestfinance
restpack restpackhtmltopdf restpackscreenshot revampcrm ringcentral ritekit robinhoodcrypto rocketreach rockset
rootly route4me rownd rubygems runrunit saladcloud salescookie salesflare salesforce salesforcerefresh salesmate
satismeterproject satismeterwrite saucelabs scaleway scalingo scrapeowl scraper scraperbox scrapestack scrapfly
scrapingant scrapingbee screenshot screenshotlayer scrutinizerci securitytrails selectpdf sendbird
sendbirdorganization sendgrid sendinblue sentry sentryorg serphouse serpstack settlemint sherpadesk shipday shippo
shodan shopify shotstack shutterstock sidekiq signalwire signaturit signupgenius sigopt simfin simplynoted simvoly
sinchmessage siteleaf skrappio skybiometry smartsheets smartystreets smooch snipcart solarwindsobservability sonar
sonarcloud sonarqube sourcegraph sourcegraphcody sparkpost spectralops speechtextai splunkobservability spoonacular
sportsmonk squareapp squarespace sslmate stackhawk statuscake statuspage statuspal stitchdata stockdata stopwords
storecove stormboard stormglass storyblok storychief stripepaymentintent stytch sugester sumologic supabase
supernotes surveyanyplace surveybot surveysparrow survicate swiftype tailscale tallyfy tatumio taxjar teamgate teams
teamworkcrm teamworkdesk teamworkspaces technicalanalysis telegram telegrambot teletype telnyx terraformcloud
testingbot textmagic theodds thingsboard thinkific thousandeyes ticketmaster tickettailor tiingo timecamp timezone
tines tmetric todoist toggltrack tokeet tomorrowio tomtom tradier transferwise travelpayouts travisci trello
trufflehogenterprise twelvedata twilio twitch twitterconsumer tyntec typeform typetalk ubidots uclassify unifyid
unplugg unsplash upcdatabase uplead uploadcare uptimerobot upwave urlscan userflow userstack vagrantcloud vatlayer
vbout vercel verimail veriphone versioneye virustotal visualcrossing voiceflow voodoosms vultr walkscore weatherbit
weatherstack web3storage webex webexbot webflow webscraper webscraping websitepulse weightsandbiases wepay whoxy
wireguard wistia worksnaps workstack worldcoinindex worldweather yandex youneedabudget yousign youtube zapier
zendesk zenkit zenrows zenscrape zenserp zeplin zerobounce zerotier zipbooks zipcode zipcodebase zohocrm
zonkafeedback zulipchat
"""
VENDORS = frozenset(_NAMES.split())
