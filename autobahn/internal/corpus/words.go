package corpus

import "strings"

// The words of the drama: common German ones, the more frequent first.
var (
	// Nouns with their articles: r is der, e is die, s is das.
	nouns = strings.Fields(`
		eHand sHerz eNacht rTag sHaus rKönig eFrau rMann sAuge sWort eStadt rVater eMutter rHimmel sFeuer sKind rTod eLiebe sLeben eWelt rWeg
		eZeit sLicht eTür rTisch sWasser eStimme rBruder eSchwester rKopf sSchwert eTreue rHof sSchloß rWald rWind sMeer rMond eSonne rStern
		rTraum eFurcht rZorn eEhre sGlück eSchuld rFreund rFeind eKrone rThron sLand rBote rBrief sSiegel rRing eMauer rTurm eBrücke rFluß sTal
		rBerg rStein sGold sSilber sEisen rHammer eGlocke sGebet eKirche rAltar sGrab rSarg eTräne rSchmerz eWunde sBlut rKrieg rFriede rSieg
		eSchlacht rRitter rKnecht eMagd rDiener rGast rWirt rWein sBrot sSalz eKüche rKeller rGarten eRose rBaum rZweig rVogel rRabe rWolf rHund
		sPferd rReiter sZelt eFahne eTrommel rRuf rSchrei sLied eGeige rTanz sFest eHochzeit eBraut rMantel rSchleier rHut rSchuh sKleid eSeide
		sTuch rFaden eNadel rSpiegel eKerze eLampe rSchatten rNebel rRegen rSchnee rFrost rSommer rWinter rHerbst rFrühling rMorgen rAbend eStunde
		sJahr rAugenblick eEwigkeit rAnfang sEnde rGrund eUrsache rZweifel eHoffnung rGlaube rWille eKraft eMacht sRecht sGesetz rRichter sUrteil
		eStrafe eGnade eBitte rDank rEid rFluch rSegen sGeheimnis rVerrat eLüge eWahrheit rName sBild sBuch eSeite eFeder eTinte rGelehrte rArzt
		eKrankheit sGift rBecher rKrug eSchale rLöffel sMesser rStuhl sBett sKissen sFenster eTreppe rFlur sZimmer eKammer rSchlüssel rRiegel
		eGasse rMarkt rHändler eWaage rPreis rLohn eMünze rBeutel rBettler rDieb rMörder eWache rHauptmann rSoldat eRüstung rHelm rSchild rPfeil
		rBogen sSchiff rHafen sSegel sRuder rSturm eWelle eInsel eKüste rFischer sNetz rAnker rMüller eMühle sKorn eErnte rPflug rAcker rBauer
		rHirte sSchaf eZiege eKuh rStall sDach rRauch eAsche rOfen eKohle rSchmied eEsse rFunke rGeist sGespenst rEngel rTeufel eHölle rAbgrund
		eTiefe eHöhe eFerne rHorizont eGrenze rFremde eHeimat eReise eStraße rWagen sRad rKutscher ePeitsche rZügel eJugend sAlter rGreis sMädchen
		rKnabe rSäugling eWiege eAmme sSpiel rWürfel eKarte rNarr rScherz sLachen rSpott eScham rStolz rNeid eGier eEitelkeit eWeisheit eTorheit
		rVerstand eVernunft sGedächtnis eErinnerung sVergessen rSchlaf eRuhe eStille rLärm sEcho eAntwort eFrage sRätsel rBeweis sZeichen sWunder
		rZufall sSchicksal eQuelle rBach rTeich sMoor eHeide rHügel ePfütze rSand eMuschel ePerle rBernstein rSmaragd sElfenbein rMarmor eSäule
		sGewölbe eKuppel rSaal rVorhang eBühne rDichter rVers rReim eFlöte eHarfe rPosaunist rChor eMesse rMönch eNonne rAbt sKloster rPilger
		sKreuz rStab rFürst eFürstin rGraf eGräfin rHerzog rKanzler rRat rSchreiber eUrkunde rVertrag eSteuer rZoll sErbe rErbe eMitgift
		rStammbaum sWappen eSippe rNeffe eNichte rOheim eBase rVormund rMündel rWaise`)

	// Verbs: first person, third person, participle.
	verbs = strings.Fields(`
		sehe/sieht/gesehen höre/hört/gehört weiß/weiß/gewußt kenne/kennt/gekannt liebe/liebt/geliebt suche/sucht/gesucht finde/findet/gefunden
		halte/hält/gehalten nehme/nimmt/genommen gebe/gibt/gegeben bringe/bringt/gebracht fürchte/fürchtet/gefürchtet hasse/haßt/gehaßt
		rufe/ruft/gerufen frage/fragt/gefragt verlasse/verläßt/verlassen vergesse/vergißt/vergessen verliere/verliert/verloren
		verrate/verrät/verraten bewache/bewacht/bewacht breche/bricht/gebrochen trage/trägt/getragen schlage/schlägt/geschlagen töte/tötet/getötet
		rette/rettet/gerettet fliehe/flieht/geflohen folge/folgt/gefolgt glaube/glaubt/geglaubt hoffe/hofft/gehofft warte/wartet/gewartet
		öffne/öffnet/geöffnet schließe/schließt/geschlossen zünde/zündet/gezündet lösche/löscht/gelöscht lese/liest/gelesen
		schreibe/schreibt/geschrieben singe/singt/gesungen trinke/trinkt/getrunken esse/ißt/gegessen kaufe/kauft/gekauft
		verkaufe/verkauft/verkauft stehle/stiehlt/gestohlen zerreiße/zerreißt/zerrissen verberge/verbirgt/verborgen zeige/zeigt/gezeigt
		lehre/lehrt/gelehrt strafe/straft/gestraft lobe/lobt/gelobt preise/preist/gepriesen verfluche/verflucht/verflucht segne/segnet/gesegnet
		begrabe/begräbt/begraben beweine/beweint/beweint tröste/tröstet/getröstet küsse/küßt/geküßt umarme/umarmt/umarmt berühre/berührt/berührt
		spüre/spürt/gespürt denke/denkt/gedacht träume/träumt/geträumt betrüge/betrügt/betrogen belüge/belügt/belogen erkenne/erkennt/erkannt
		erwarte/erwartet/erwartet verlange/verlangt/verlangt verzeihe/verzeiht/verziehen verachte/verachtet/verachtet beneide/beneidet/beneidet
		bewundere/bewundert/bewundert vermisse/vermißt/vermißt messe/mißt/gemessen wiege/wiegt/gewogen zähle/zählt/gezählt
		schmiede/schmiedet/geschmiedet baue/baut/gebaut zerstöre/zerstört/zerstört entdecke/entdeckt/entdeckt erobere/erobert/erobert
		verteidige/verteidigt/verteidigt belagere/belagert/belagert`)

	adjectives = strings.Fields(`
		alt jung groß klein gut schön arm reich stolz treu falsch wahr kalt heiß dunkel hell still laut tief fremd lieb bitter süß schwer leicht
		leer voll stark schwach blaß rot schwarz weiß grau golden silbern eisern steinern hölzern müde wach krank gesund froh traurig zornig sanft
		wild zahm frei gefangen heilig verflucht selig verdammt edel gemein klug töricht blind taub stumm nackt warm naß trocken fern nah ewig
		kurz lang breit eng schmal rund krumm gerade grob fein zart rauh glatt scharf stumpf spitz seltsam heimlich offen einsam vergessen
		verloren gebrochen verborgen zerrissen geduldig grausam gnädig gerecht schuldig unschuldig ehrlich listig tapfer feige kühn furchtsam
		hungrig durstig satt nüchtern trunken fröhlich finster trübe klar rein welk grün`)

	adverbs = strings.Fields(`
		nun nicht noch schon hier dort so doch nur auch wieder immer nie heute bald einst jetzt da gern wohl kaum längst vielleicht gewiß umsonst
		allein zuletzt zuerst morgen gestern droben drunten überall nirgends heimlich plötzlich langsam endlich freilich sogleich vergebens
		wahrlich leise ringsum abermals dereinst`)

	prepositions = strings.Fields(`
		in/3 an/3 auf/3 vor/3 mit/3 von/3 bei/3 aus/3 nach/3 zu/3 unter/3 hinter/3 neben/3 zwischen/3 für/4 durch/4 gegen/4 ohne/4 um/4`)

	names = strings.Fields(`
		ALBRECHT MARGARETE DER_ALTE QUIRIN ELISABETH KONRAD DOROTHEA DER_BOTE XAVER JUDITH YVO WALPURGA ERSTER_WÄCHTER ZWEITER_WÄCHTER DER_NARR
		ÄBTISSIN`)
)
